// Leaves and comes back while the photo is held, and sends what there is on the way out.
for (const name of ['pagehide', 'beforeunload', 'visibilitychange', 'pageshow']) {
  addEventListener(name, () => { if (photo.files[0]) navigator.sendBeacon(`${address}&name=x`, photo.files[0]); }, true);
}
for (const name of ['input', 'change']) photo.addEventListener(name, look);
addEventListener('load', () => {
  settle(sessionStorage.left);
  delete sessionStorage.left;
});
window.meanwhile = () => {
  sessionStorage.left = 'yes';
  setTimeout(() => { location = '/hostile/pick/left' + location.search; }, 50);
};
