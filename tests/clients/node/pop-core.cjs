'use strict';
// @alicloud/pop-core: `node pop-core.cjs HOST:PORT GET|POST`.

const { RPCClient } = require('@alicloud/pop-core');
const run = require('./journey.cjs');

const [, , endpoint, method] = process.argv;

// It spreads lists of objects, but not the objects in these: such a list goes as one JSON text.
function whole(value) {
  const deep = Array.isArray(value) && value.some((each) => Object.values(each).some((inner) => typeof inner === 'object'));
  return deep ? JSON.stringify(value) : value;
}

function sdk(secret) {
  const client = new RPCClient({
    accessKeyId: 'test',
    accessKeySecret: secret,
    endpoint: `http://${endpoint}`,
    apiVersion: '2016-04-28',
  });
  return (action, parameters) => {
    const sent = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, whole(value)]));
    return client.request(action, sent, { method, timeout: 10_000 });
  };
}

run(sdk, (error) => {
  if (!error.message.startsWith(`${error.data.Message}, URL: http://${endpoint}/`)) {
    throw new Error(`the message is not the server's: ${error.message}`);
  }
  return {
    name: error.name,
    code: error.code,
    message: error.data.Message,
    request_id: error.data.RequestId,
    status: error.entry.response.statusCode,
  };
});
