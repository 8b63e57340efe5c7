// The viewer asks for documents without the session; so it is given this one. What is tried here is done with the session of
// whoever is signed in, as the page itself does it.
const viewer = document.querySelector('rapi-doc');
viewer.setAttribute('theme', matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
const [session, answer] = await Promise.all(['session', 'openapi.json'].map((path) => fetch(`/api/v1/${path}`)));
const { csrf } = await session.json();
if (answer.ok) {
    await customElements.whenDefined('rapi-doc');
    viewer.loadSpec(await answer.json());
    viewer.addEventListener('before-try', (event) => {
        if (csrf) event.detail.request.headers.append('X-Muster-CSRF', csrf);
    });
} else {
    viewer.remove();
    document.getElementById('login').hidden = false;
}
