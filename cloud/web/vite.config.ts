import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { Marked } from "marked";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds a running `powerctl-cloud serve`. */
const CLOUD = "http://127.0.0.1:8080";
const WORKER = "sw.js";
/** The control room is not kept on drivers' devices. */
const NOT_KEPT = /^assets\/(Control|Runbook)-/;

/** Pages of the documentation as HTML; their links lead to other folders of it, which are not here. */
function markdown() {
  const marked = new Marked({
    renderer: {
      link({ tokens }) {
        return this.parser.parseInline(tokens);
      },
    },
  });
  return {
    name: "markdown",
    enforce: "pre" as const,
    transform(text: string, id: string): string | undefined {
      return id.endsWith(".md") ? `export default ${JSON.stringify(marked.parse(text, { async: false }))};` : undefined;
    },
  };
}

/** Tells the service worker which files this version has. */
function workerFiles() {
  return {
    name: "worker-files",
    generateBundle(_: unknown, bundle: Record<string, { fileName: string; code?: string }>): void {
      const built = Object.values(bundle).map((part) => part.fileName);
      const copied = readdirSync(new URL("public", import.meta.url));
      const files = [...built, ...copied]
        .filter((name) => name !== WORKER && name !== "index.html" && !NOT_KEPT.test(name))
        .map((name) => `/${name}`)
        .sort();
      const version = createHash("sha256").update(files.join()).digest("hex").slice(0, 12);
      const worker = bundle[WORKER]!;
      worker.code = worker
        .code!.replaceAll("__FILES__", JSON.stringify(files))
        .replaceAll("__VERSION__", JSON.stringify(version));
    },
  };
}

export default defineConfig({
  base: "/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [markdown(), workerFiles()],
  build: {
    target: "es2022",
    sourcemap: false,
    // The server's content security policy allows neither inline scripts nor data: fonts.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: { app: "index.html", sw: "src/sw.ts" },
      output: {
        entryFileNames: ({ name }: { name: string }) => (name === "sw" ? WORKER : "assets/app-[hash].js"),
        chunkFileNames: "assets/[name]-[hash].js",
        assetFileNames: "assets/[name]-[hash][extname]",
      },
    },
  },
  server: { proxy: { "^/powerctl\\.v1\\.": CLOUD } },
  test: { include: ["test/**/*.test.ts"], environment: "node" },
});
