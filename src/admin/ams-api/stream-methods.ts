// Streams that are live, by the names of Flash Media Server.
import { notFound } from '../commands.ts';
import { forHost, instanceOf, type MethodTable } from './method.ts';
import { ago, netStream } from './method-numbers.ts';

export const STREAM_METHODS: MethodTable = {
  getLiveStreams: forHost((call, context) =>
    context.administered.statistics.streams(instanceOf(call, context)).map(({ name }) => name),
  ),
  getLiveStreamStats: forHost((call, context) => {
    const instance = instanceOf(call, context);
    const name = call.parameters.need('stream');
    const stream = context.administered.statistics.stream(instance, name);
    if (!stream) throw notFound(`no stream ${JSON.stringify(name)} is live in ${instance.fullName}`);
    const { publisher, subscribers } = stream;
    return {
      name,
      publisher: {
        ...netStream(publisher, context),
        client_type: stream.publisherAgent,
        diffserv_bits: 0,
        publish_time: ago(publisher.upMs, context),
      },
      subscribers: subscribers.map(({ clientId, upMs }) => ({
        client: clientId,
        subscribe_time: ago(upMs, context),
      })),
    };
  }),
  getNetStreams: forHost((call, context) =>
    context.administered.statistics.netStreams(instanceOf(call, context)).map(({ id }) => id),
  ),
  // streamids: numbers between commas, or -1: all of them
  getNetStreamStats: forHost((call, context) => {
    const all = context.administered.statistics.netStreams(instanceOf(call, context));
    const wanted = call.parameters
      .need('streamids')
      .replace(/[[\]\s]/g, '')
      .split(',');
    const found = wanted.includes('-1') ? all : all.filter(({ id }) => wanted.includes(String(id)));
    return found.map((one) => netStream(one, context));
  }),
};
