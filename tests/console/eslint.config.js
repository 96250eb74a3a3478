/** ESLint for the console and its tests; `make console` runs it at the repository's root. */

import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "max-lines": ["error", 450],
      "no-unused-vars": ["error", { ignoreRestSiblings: true, varsIgnorePattern: "^_" }],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  { files: ["service/console/*.js"], languageOptions: { globals: globals.browser } },
  { files: ["tests/console/*.js"], languageOptions: { globals: globals.node } },
];
