'use strict';
// @alicloud/vpc20160428: `node vpc20160428.cjs HOST:PORT`.

const vpc = require('@alicloud/vpc20160428');
const { cast } = require('@darabonba/typescript');
const { $OpenApiUtil } = require('@alicloud/openapi-core');
const run = require('./journey.cjs');

const [, , endpoint] = process.argv;

// A request's model, and those of the objects in its lists, from the wire's names.
function model(action, parameters) {
  return cast(parameters, new vpc[`${action}Request`]({}));
}

function sdk(secret) {
  const client = new vpc.default(new $OpenApiUtil.Config({
    accessKeyId: 'test',
    accessKeySecret: secret,
    regionId: 'cn-hangzhou',
    endpoint,
    protocol: 'http',
  }));
  return async (action, parameters) => {
    const method = action[0].toLowerCase() + action.slice(1);
    const response = await client[method](model(action, parameters));
    if (response.statusCode !== 200) throw new Error(`${action} answered ${response.statusCode}`);
    return response.body.toMap();
  };
}

run(sdk, (error) => {
  const sentence = `code: ${error.statusCode}, ${error.data.Message} request id: ${error.requestId}`;
  if (error.message !== `${error.code}: ${sentence}`) {
    throw new Error(`the message is not the server's: ${error.message}`);
  }
  return {
    name: error.name,
    code: error.code,
    message: error.data.Message,
    request_id: error.requestId,
    status: error.statusCode,
  };
});
