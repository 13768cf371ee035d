// A NestJS service that calls us: what `ClientProxy` sends, and what it hands to the service.
//
// Run as `--eval` in a folder where `@nestjs/microservices` is installed, with the client's options (JSON) as the one
// argument. Each line of the input is a step, or an array of steps that go off together; a step is
// {"send": pattern, "data": …} or {"emit": pattern, "data": …}. Each line is answered with one: the result of the step,
// or an array. That is {"answers": […]} with all that a `send` gave, {"error": …} with its error, or
// {"emitted": true}. So a story can say what is asked next when it has seen the answer.
import "reflect-metadata";
import { createInterface } from "node:readline";
import * as microservices from "@nestjs/microservices";
import { lastValueFrom, toArray } from "rxjs";

const { ClientProxyFactory, Transport } = microservices.default ?? microservices;
const options = JSON.parse(process.argv.at(-1));
const client = ClientProxyFactory.create({ transport: Transport.TCP, options });

// What a caller that catches an error sees: an object as it is, an Error by its text.
const caught = (error) => (error instanceof Error ? { message: error.message } : error);

async function take(step) {
  try {
    if ("emit" in step) {
      await lastValueFrom(client.emit(step.emit, step.data), { defaultValue: undefined });
      return { emitted: true };
    }
    return { answers: await lastValueFrom(client.send(step.send, step.data).pipe(toArray())) };
  } catch (error) {
    return { error: caught(error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const steps = JSON.parse(line);
  const done = Array.isArray(steps) ? await Promise.all(steps.map(take)) : await take(steps);
  process.stdout.write(JSON.stringify(done) + "\n");
}
client.close();
