// What is tried here is done with the session of whoever is logged in, as the page itself does it.
const viewer = document.querySelector('rapi-doc');
viewer.setAttribute('theme', matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
const { csrf } = await fetch('/api/v1/session').then((answer) => answer.json());
viewer.addEventListener('before-try', (event) => {
    if (csrf) event.detail.request.headers.append('X-Muster-CSRF', csrf);
});
