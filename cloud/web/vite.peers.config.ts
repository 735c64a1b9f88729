import { defineConfig } from "vite";

/** Builds the clients of other makers that a test drives in a browser. */
export default defineConfig({
  publicDir: false,
  build: {
    target: "es2022",
    outDir: "../../tests/e2e/peers",
    lib: { entry: "test/peers.ts", formats: ["iife"], name: "peers", fileName: () => "peers.js" },
  },
});
