// The JavaScript SDK v3 behind standard input and output, for sdk_hosts.py: a call a line, an outcome a line. Its
// argument: the folder that holds node_modules.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.argv[2]}/`);
const packages = { sqs: "@aws-sdk/client-sqs", s3: "@aws-sdk/client-s3" };
const clients = {};

function client(service) {
  if (!clients[service]) {
    const sdk = require(packages[service]);
    const Client = sdk[service === "sqs" ? "SQSClient" : "S3Client"];
    const options = { endpoint: process.env.AWS_ENDPOINT_URL, region: process.env.AWS_REGION, maxAttempts: 1 };
    if (service === "s3") options.forcePathStyle = true;
    clients[service] = { sdk, client: new Client(options) };
  }
  return clients[service];
}

function unpacked(value) {
  if (Array.isArray(value)) return value.map(unpacked);
  if (value === null || typeof value !== "object") return value;
  if ("$bytes" in value) return Buffer.from(value.$bytes, "base64");
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, unpacked(one)]));
}

function packed(value) {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") };
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(packed);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, packed(one)]));
}

async function perform({ service, operation, parameters }) {
  const { sdk, client: by } = client(service);
  try {
    const { $metadata: _, ...answer } = await by.send(new sdk[`${operation}Command`](unpacked(parameters)));
    if (answer.Body?.transformToByteArray) answer.Body = await answer.Body.transformToByteArray();
    return { answer: packed(answer) };
  } catch (error) {
    const status = error.$metadata?.httpStatusCode ?? 0;
    return { error: { code: error.Error?.Code ?? error.Code ?? error.name, message: error.message, status } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await perform(JSON.parse(line))));
}
