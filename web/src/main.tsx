import { render } from 'preact';
import './style/tokens.css';
import './style/base.css';
import './style/page.css';
import { App, find } from './app/app';
import { applyLook } from './app/look';
import { takeLinks } from './app/router';
import { preferred, loadLanguage } from './i18n';

applyLook();
takeLinks();
const root = document.getElementById('app');
// The page that is asked for, its words and the session come side by side, not one after the other.
find(location.pathname)?.page.load().catch(() => undefined);
await loadLanguage(preferred(localStorage.getItem('muster.language'), navigator.languages));
if (root) render(<App />, root);
