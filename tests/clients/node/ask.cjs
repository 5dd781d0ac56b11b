'use strict';
// @alicloud/pop-core with any product: `node ask.cjs HOST:PORT VERSION ACTION PARAMETERS-AS-JSON`. Prints the answer.

const { RPCClient } = require('@alicloud/pop-core');

const [, , endpoint, apiVersion, action, parameters] = process.argv;

new RPCClient({ accessKeyId: 'test', accessKeySecret: 'secret', endpoint: `http://${endpoint}`, apiVersion })
  .request(action, JSON.parse(parameters), { method: 'POST', timeout: 10_000 })
  .then((answer) => process.stdout.write(JSON.stringify(answer)));
