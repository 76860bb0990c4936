import { createReadStream, createWriteStream, readdirSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { constants, createGzip } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const folder = "../src/arkwright/console";

/** The server sends these as they are: it compresses nothing itself. */
function gzipped(): Plugin {
  return {
    name: "gzipped",
    apply: "build",
    async closeBundle() {
      const assets = join(folder, "assets");
      for (const name of readdirSync(assets)) {
        if (!/\.(js|css|svg)$/.test(name)) continue;
        const file = join(assets, name);
        await pipeline(
          createReadStream(file),
          createGzip({ level: constants.Z_BEST_COMPRESSION }),
          createWriteStream(`${file}.gz`),
        );
      }
    },
  };
}

export default defineConfig({
  base: "/console/",
  plugins: [react(), gzipped()],
  build: { outDir: folder, emptyOutDir: true, chunkSizeWarningLimit: 900 },
  server: { proxy: Object.fromEntries(["/v1", "/v1.0", "/v2", "/v3", "/obs", "/console/session"].map((path) => [path, "http://127.0.0.1:8990"])) },
});
