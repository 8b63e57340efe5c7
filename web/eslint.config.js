import js from '@eslint/js';
import hooks from 'eslint-plugin-react-hooks';
import ts from 'typescript-eslint';

export default ts.config(
    { ignores: ['dist/', 'node_modules/'] },
    js.configs.recommended,
    ...ts.configs.strict,
    {
        files: ['src/**/*.{ts,tsx}', 'dev/**/*.ts', 'test/**/*.ts', 'vite.config.ts'],
        plugins: { 'react-hooks': hooks },
        rules: {
            '@typescript-eslint/no-explicit-any': 'error',
            '@typescript-eslint/consistent-type-imports': 'error',
            '@typescript-eslint/no-non-null-assertion': 'error',
            'react-hooks/rules-of-hooks': 'error',
            'react-hooks/exhaustive-deps': 'error',
            eqeqeq: 'error',
            // The page's policy forbids inline styles, and names of machines are text, never markup.
            'no-restricted-syntax': ['error',
                { selector: 'JSXAttribute[name.name="style"]', message: 'The CSP forbids inline styles: use a class or an SVG attribute.' },
                { selector: 'JSXAttribute[name.name="dangerouslySetInnerHTML"]', message: 'What comes from outside is text.' },
                { selector: 'MemberExpression[property.name="innerHTML"]', message: 'What comes from outside is text.' }],
        },
    },
    { files: ['public/**/*.js'], languageOptions: { globals: { customElements: 'readonly', document: 'readonly', fetch: 'readonly', matchMedia: 'readonly' } } },
    { files: ['build/**/*.mjs'], languageOptions: { globals: { console: 'readonly', process: 'readonly', URL: 'readonly' } } },
);
