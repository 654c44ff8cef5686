import { join } from 'node:path'
import { defineConfig } from 'vite'

/**
 * Under the page's Content-Security-Policy nothing is inline and nothing comes from elsewhere: so no data: URLs, and no
 * polyfill script for module preloads.
 */
export default defineConfig({
  root: import.meta.dirname,
  // Not by way of node_modules: packages may be installed in another folder than these sources, see standalone/console.ts.
  resolve: { alias: { '@fairlead/client': join(import.meta.dirname, '../../packages/client') } },
  server: { proxy: { '/api': 'http://127.0.0.1:8081', '/auth': 'http://127.0.0.1:8081' } },
  build: {
    target: 'es2023',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1_000,
    rolldownOptions: {
      onLog(level, log, handle) {
        // 'use client' means something to servers that render React, and there is none.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log)
      },
    },
  },
})
