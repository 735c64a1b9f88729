import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds a running `powerctl-cloud serve`. */
const CLOUD = "http://127.0.0.1:8080";

export default defineConfig({
  base: "/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    sourcemap: false,
    // The server's content security policy allows neither inline scripts nor data: fonts.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        entryFileNames: "assets/app-[hash].js",
        chunkFileNames: "assets/[name]-[hash].js",
        assetFileNames: "assets/[name]-[hash][extname]",
      },
    },
  },
  server: { proxy: { "^/powerctl\\.v1\\.": CLOUD } },
  test: { include: ["test/**/*.test.ts"], environment: "node" },
});
