'use strict';
// @alicloud/pop-core: `node pop-core.cjs HOST:PORT GET|POST`.

const { RPCClient } = require('@alicloud/pop-core');
const run = require('./journey.cjs');

const [, , endpoint, method] = process.argv;

function sdk(secret) {
  const client = new RPCClient({
    accessKeyId: 'test',
    accessKeySecret: secret,
    endpoint: `http://${endpoint}`,
    apiVersion: '2016-04-28',
  });
  return (action, parameters) => client.request(action, parameters, { method, timeout: 10_000 });
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
