// Uploads more than 90 MiB with fal's JavaScript client, then has a video made; prints both URLs.
import { createRequire } from "node:module";

const { createFalClient } = createRequire(`${process.cwd()}/`)("@fal-ai/client");
const here = (url) => String(url).replace(/^https:\/\/[a-z]+\.fal\.(run|ai)/, process.env.FAL_QUEUE_URL);
const fal = createFalClient({
  credentials: process.env.FAL_KEY,
  suppressLocalCredentialsWarning: true,
  fetch: (url, options) => fetch(here(url), options),
});
console.log(await fal.storage.upload(new Blob([Buffer.alloc(91 * 1024 * 1024, 7)], { type: "video/mp4" })));
const input = { prompt: "A kite", resolution: "720p", duration: 2 };
const { data } = await fal.subscribe("fal-ai/wan/v2.7/image-to-video", { input, pollInterval: 50 });
console.log(data.video.url);
