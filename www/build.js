/**
 * Builds `dist/widget`, `dist/console` and `dist/shop`, and the package's `sottovoce/widget`.
 *
 * The widget's loader has a fixed name, so that pages can embed it. It knows the hashes of the
 * chat code, of the languages and of the wasm and lets the browser check them. The package has a copy
 * of all of it in `script`, and says the hashes of what pages load in `integrity.json`.
 */

import { createHash } from "node:crypto";
import { copyFile, cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const place = (path) => fileURLToPath(new URL(path, import.meta.url));
const hash = (bytes, name, encoding) => createHash(name).update(bytes).digest(encoding);
const wasmOf = (who) => fileURLToPath(import.meta.resolve(`sottovoce/${who}.wasm`));
const packaged = (path) => fileURLToPath(new URL(`dist/${path}`, import.meta.resolve("sottovoce/package.json")));
const integrityOf = async (path) => `sha384-${hash(await readFile(path), "sha384", "base64")}`;
const pin = async (file) => ({ file, integrity: await integrityOf(place(`dist/widget/${file}`)) });

const settings = () => ({
    configFile: false,
    logLevel: "warn",
    publicDir: false,
    base: "./",
});

const output = (directory, rolldownOptions) => ({
    outDir: place(`dist/${directory}`),
    emptyOutDir: false,
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions,
});

async function copyWasm() {
    const from = wasmOf("visitor");
    const file = `sottovoce-${hash(await readFile(from), "sha256", "hex").slice(0, 8)}.wasm`;
    await mkdir(place("dist/widget"), { recursive: true });
    await copyFile(from, place(`dist/widget/${file}`));
    return file;
}

async function buildScript(input, define, output_) {
    const result = await build({
        ...settings(),
        define,
        build: output("widget", { input: place(input), ...output_ }),
    });
    return result.output.find((chunk) => chunk.type === "chunk" && chunk.isEntry).fileName;
}

const buildPage = (name) =>
    build({
        ...settings(),
        root: place(`src/${name}`),
        build: output(name, { input: place(`src/${name}/index.html`) }),
    });

await rm(place("dist"), { recursive: true, force: true });
const wasm = await pin(await copyWasm());
const chat = await pin(
    await buildScript("src/widget/chat.ts", {}, {
        // One file: a static import of its own would escape the hash check.
        output: { format: "es", entryFileNames: "chat-[hash].js", codeSplitting: false },
        preserveEntrySignatures: "strict",
    }),
);
const languages = {};
for (const [tag, name] of Object.entries({ it: "italian", ar: "arabic", ja: "japanese" })) {
    languages[tag] = await pin(
        await buildScript(`src/conversation/languages/${name}.ts`, {}, {
            output: { format: "es", entryFileNames: `language-${tag}-[hash].js` },
            preserveEntrySignatures: "strict",
        }),
    );
}
await buildScript(
    "src/launcher/loader.ts",
    {
        CHAT_FILE: JSON.stringify(chat),
        WASM_FILE: JSON.stringify(wasm),
        LANGUAGE_FILES: JSON.stringify(languages),
    },
    { output: { format: "iife", entryFileNames: "loader.js" } },
);
const core = {
    name: "core",
    renderChunk: (code) =>
        code.replace("CORE_URL", 'new URL("../wasm/visitor/sottovoce_bg.wasm", import.meta.url)'),
};
await build({
    ...settings(),
    plugins: [core],
    define: { CORE_INTEGRITY: JSON.stringify(wasm.integrity) },
    build: {
        outDir: packaged("widget"),
        emptyOutDir: true,
        target: "es2022",
        minify: true,
        modulePreload: false,
        reportCompressedSize: false,
        lib: { entry: place("src/launcher/package.ts"), formats: ["es"], fileName: () => "index.js" },
        rolldownOptions: {
            // The core and its host are the package's own.
            external: ["sottovoce", "sottovoce/visitor"],
            output: { chunkFileNames: "[name]-[hash].js" },
        },
    },
});
await rm(packaged("script"), { recursive: true, force: true });
await cp(place("dist/widget"), packaged("script"), { recursive: true });
const scripts = (await readdir(packaged("script"))).map((name) => `script/${name}`);
const loaded = [...scripts, "wasm/staff/sottovoce_bg.wasm", "wasm/visitor/sottovoce_bg.wasm"];
const hashes = await Promise.all(loaded.map(async (path) => [path, await integrityOf(packaged(path))]));
await writeFile(packaged("integrity.json"), `${JSON.stringify(Object.fromEntries(hashes), undefined, 4)}\n`);
await buildPage("console");
await buildPage("shop");
