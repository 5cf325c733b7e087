// What the nodes ask of ComfyUI's server.

import { api } from "../../scripts/api.js";

async function post(address, asked) {
  const answer = await api.fetchApi(`/reggan/${address}`, { method: "POST", body: JSON.stringify(asked) });
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  throw new Error(said.message ?? `The server answered ${answer.status}.`);
}

export const words = async (asked) => (await post("words", asked)).json();
export const places = async (asked) => (await post("places", asked)).json();
export const picture = async (asked) => URL.createObjectURL(await (await post("picture", asked)).blob());
export const thumbnail = async (asked) => URL.createObjectURL(await (await post("thumbnail", asked)).blob());
