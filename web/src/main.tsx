import { render } from 'preact';
import './style/tokens.css';
import './style/base.css';
import './style/page.css';
import { App } from './app/app';
import { applyLook } from './app/look';
import { takeLinks } from './app/router';
import { preferred, loadLanguage } from './i18n';

applyLook();
takeLinks();
const root = document.getElementById('app');
await loadLanguage(preferred(localStorage.getItem('muster.language'), navigator.languages));
if (root) render(<App />, root);
