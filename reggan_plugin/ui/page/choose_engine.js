// Who changes faces for the page: the program that serves it, or, where a plain file server does,
// this browser.

import { Program } from "./server.js";

const program = new Program();
export const state = await program.state();
export const engine = state.alone ? new (await import(state.alone)).Alone(state) : program;
