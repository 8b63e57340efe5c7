import { loadLanguage } from '../src/i18n';

await loadLanguage('en');
