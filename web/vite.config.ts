import { defineConfig } from 'vitest/config';
import { daemon } from './dev/proxy';

// In development and preview /api/v1 leads to the control socket of a running daemon (MUSTER_CONTROL).
export default defineConfig({
    plugins: [daemon()],
    esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
    build: {
        target: ['chrome123', 'firefox120', 'safari17.5'],
        cssMinify: 'esbuild',
        assetsInlineLimit: 0,  // data: addresses are not in the page's policy
        modulePreload: { polyfill: false },
        sourcemap: false,
    },
    server: { host: '127.0.0.1', strictPort: true },
    preview: { host: '127.0.0.1', strictPort: true },
    test: { include: ['src/**/*.test.{ts,tsx}', 'test/**/*.test.ts'], environment: 'node', setupFiles: ['test/setup.ts'] },
});
