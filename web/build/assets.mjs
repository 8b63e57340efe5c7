// After vite: each file beside its .gz and .br, and assets.json, from which the build compiles all of it into the
// plugin: [{path, file, gzip, brotli, type, immutable}].
import { copyFileSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const types = {
    '.html': 'text/html; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.svg': 'image/svg+xml',
    '.json': 'application/json',
    '.txt': 'text/plain; charset=utf-8',
};

function walk(folder) {
    return readdirSync(folder)
        .sort()
        .flatMap((name) => {
            const path = join(folder, name);
            return statSync(path).isDirectory() ? walk(path) : [path];
        });
}

// The API's viewer, as it comes.
copyFileSync(fileURLToPath(new URL('../node_modules/rapidoc/dist/rapidoc-min.js', import.meta.url)), join(dist, 'api', 'docs', 'rapidoc.js'));
copyFileSync(fileURLToPath(new URL('../node_modules/rapidoc/dist/rapidoc-min.js.LICENSE.txt', import.meta.url)), join(dist, 'api', 'docs', 'rapidoc.txt'));

const assets = [];
for (const file of walk(dist)) {
    const extension = extname(file);
    if (extension === '.gz' || extension === '.br' || file.endsWith('assets.json')) continue;
    const type = types[extension];
    if (!type) throw new Error(`${file}: no media type for ${extension}, add it to build/assets.mjs`);
    const bytes = readFileSync(file);
    const name = relative(dist, file).split(sep).join('/');
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
    writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
    assets.push({
        path: `/${name}`.replace(/\/index\.html$/, '') || '/',
        file: name,
        gzip: `${name}.gz`,
        brotli: `${name}.br`,
        type,
        immutable: /^assets\/.*-[\w-]{8}\.\w+$/.test(name),
    });
}
writeFileSync(join(dist, 'assets.json'), `${JSON.stringify(assets, null, 2)}\n`);
const sum = (suffix) => assets.reduce((n, a) => n + statSync(join(dist, a.file + suffix)).size, 0);
console.log(`${assets.length} files, ${sum('')} octets, gzip ${sum('.gz')}, brotli ${sum('.br')}`);
