/** ESLint for the console and its tests; `make console` runs it at the repository's root. */

import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "max-lines": ["error", 300],
      "no-unused-vars": ["error", { ignoreRestSiblings: true, varsIgnorePattern: "^_" }],
      "no-restricted-syntax": [
        "error",
        {
          selector: "Program > VariableDeclaration[kind!='const'], Program > ExportNamedDeclaration > [kind!='const'][kind]",
          message: "What changes is in the state of state.js, or in a private field.",
        },
      ],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  { files: ["service/console/**/*.js"], languageOptions: { globals: globals.browser } },
  { files: ["tests/console/*.js"], languageOptions: { globals: globals.node } },
];
