'use strict';
// Both SDKs over HTTPS: `node secure.cjs HOST:PORT`. Prints what DescribeRegions answered each, or the error's code.

const { RPCClient } = require('@alicloud/pop-core');
const { $OpenApiUtil } = require('@alicloud/openapi-core');
const vpc = require('@alicloud/vpc20160428');

const [, , endpoint] = process.argv;
const key = { accessKeyId: 'test', accessKeySecret: 'secret' };

async function outcome(asked) {
  try {
    return await asked();
  } catch (error) {
    return `${error.code} ${error.message}`;
  }
}

async function main() {
  const older = new RPCClient({ ...key, endpoint: `https://${endpoint}`, apiVersion: '2016-04-28' });
  const newer = new vpc.default(
    new $OpenApiUtil.Config({ ...key, regionId: 'cn-hangzhou', endpoint, protocol: 'https' }),
  );
  const told = [
    await outcome(async () => (await older.request('DescribeRegions', {}, { method: 'POST' })).Regions.Region.length),
    await outcome(async () => (await newer.describeRegions(new vpc.DescribeRegionsRequest({}))).body.regions.region.length),
  ];
  process.stdout.write(JSON.stringify(told));
}

main();
