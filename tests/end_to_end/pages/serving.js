// A service worker: makes pages up, keeps one from coming, and takes what is shared with the site.
addEventListener('install', () => { skipWaiting(); });
addEventListener('activate', (event) => { event.waitUntil(clients.claim()); });
addEventListener('fetch', (event) => {
  const { pathname, searchParams, search } = new URL(event.request.url);
  if (searchParams.has('again')) {
    event.respondWith(fetch(pathname + search.replace('&again', '')).then(async (answer) => (
      new Response(await answer.text(), { headers: { 'Content-Type': 'text/html' } })
    )));
  } else if (pathname === '/held-back') {
    event.respondWith(new Response(new ReadableStream(), { headers: { 'Content-Type': 'text/html' } }));
  } else if (pathname === '/shared') {
    event.respondWith(event.request.formData().then((data) => {
      const file = data.get('file');
      const headers = { 'Content-Type': file.type };
      return fetch(`/upload${search}&name=x`, { method: 'POST', headers, body: file }).then(() => new Response('<p>shared', { headers: { 'Content-Type': 'text/html' } }));
    }));
  }
});
