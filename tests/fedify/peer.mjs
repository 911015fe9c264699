// A small Fedify application on loopback: one person, `pia`, who can be told what to do.
//
// Everything about federation is Fedify's own work. This file keeps what arrived, and opens a
// second, local door for the test's commands. It ends when its standard input does.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Temporal } from "@js-temporal/polyfill";
import {
  createFederationBuilder,
  generateCryptoKeyPair,
  MemoryKvStore,
  verifyObject,
  verifyRequest,
} from "@fedify/fedify";
import {
  Activity,
  Create,
  Delete,
  Endpoints,
  Follow,
  Like,
  Note,
  Person,
  PUBLIC_COLLECTION,
  Tombstone,
  Undo,
  Update,
} from "@fedify/vocab";

const NAME = "pia";
const SCHEMES = { cavage: "draft-cavage-http-signatures-12", rfc9421: "rfc9421" };

// There is no TLS on loopback, and Fedify asks for `acct:` addresses by https alone.
const fetchAsIs = globalThis.fetch;
globalThis.fetch = (input, init) => {
  const url = input instanceof Request ? input.url : String(input);
  if (!url.startsWith("https://127.0.0.1:")) return fetchAsIs(input, init);
  const plain = `http${url.slice("https".length)}`;
  return fetchAsIs(input instanceof Request ? new Request(plain, input) : plain, init);
};

const keys = [
  await generateCryptoKeyPair("RSASSA-PKCS1-v1_5"),
  await generateCryptoKeyPair("Ed25519"),
];
const notes = new Map();
const heard = []; // activities that Fedify believed, with what it read of them
const knocks = []; // every request to an inbox, with Fedify's own verdict on its signature
let accepted = "any"; // which scheme this server understands
let numbers = 0;

const builder = createFederationBuilder();
builder
  .setActorDispatcher("/users/{identifier}", async (ctx, identifier) => {
    if (identifier !== NAME) return null;
    const pairs = await ctx.getActorKeyPairs(identifier);
    return new Person({
      id: ctx.getActorUri(identifier),
      preferredUsername: identifier,
      name: "Pia",
      summary: "Jardinière",
      inbox: ctx.getInboxUri(identifier),
      endpoints: new Endpoints({ sharedInbox: ctx.getInboxUri() }),
      publicKey: pairs[0].cryptographicKey,
      assertionMethods: pairs.map((pair) => pair.multikey),
    });
  })
  .setKeyPairsDispatcher((_ctx, identifier) => (identifier === NAME ? keys : []));
builder.setObjectDispatcher(Note, "/notes/{id}", (_ctx, { id }) => notes.get(id) ?? null);
builder.setInboxListeners("/users/{identifier}/inbox", "/inbox").on(Activity, async (ctx, activity) => {
  const object = await activity.getObject(ctx).catch(() => null);
  heard.push({
    type: activity.constructor.name,
    id: activity.id?.href,
    actor: activity.actorId?.href,
    objectId: activity.objectId?.href,
    object: object?.constructor.name,
    content: object?.content?.toString() ?? null,
    inReplyTo: object?.replyTargetId?.href ?? null,
  });
});

async function federation(scheme) {
  return await builder.build({
    kv: new MemoryKvStore(),
    firstKnock: SCHEMES[scheme],
    allowPrivateAddress: true,
  });
}

const speaking = { cavage: await federation("cavage"), rfc9421: await federation("rfc9421") };

async function read(incoming) {
  const parts = [];
  for await (const part of incoming) parts.push(part);
  return Buffer.concat(parts);
}

function schemeOf(headers) {
  if (headers["signature-input"]) return "rfc9421";
  return headers.signature ? "cavage" : "none";
}

// The public side.

const server = createServer(async (incoming, outgoing) => {
  const body = await read(incoming);
  const url = new URL(incoming.url, origin);
  const request = () =>
    new Request(url, {
      method: incoming.method,
      headers: incoming.headers,
      body: body.length ? body : undefined,
    });
  const arrival = incoming.method === "POST" && url.pathname.endsWith("inbox");
  if (arrival && accepted !== "any" && schemeOf(incoming.headers) !== accepted) {
    knocks.push({ scheme: schemeOf(incoming.headers), status: 401 });
    outgoing.writeHead(401).end();
    return;
  }
  const answer = await speaking.cavage.fetch(request(), { contextData: undefined });
  if (arrival) knocks.push(await examined(request(), body, incoming.headers, answer.status));
  outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
  outgoing.end(Buffer.from(await answer.arrayBuffer()));
});

async function examined(request, body, headers, status) {
  const ctx = speaking.cavage.createContext(new URL(origin), undefined);
  const options = { documentLoader: ctx.documentLoader, contextLoader: ctx.contextLoader };
  const activity = JSON.parse(body.toString());
  const key = await verifyRequest(request, options);
  const proves = async (told) =>
    told?.proof ? (await verifyObject(Activity, told, options)) instanceof Activity : null;
  return {
    scheme: schemeOf(headers),
    status,
    key: key?.id?.href ?? null,
    activity,
    proven: await proves(activity),
    innerProven: await proves(activity.object),
  };
}

// What pia can do; every command is sent in the scheme it names first.

async function send(ctx, inbox, activity) {
  const recipient = { id: new URL(inbox.actor), inboxId: new URL(inbox.url), endpoints: null };
  await ctx.sendActivity({ identifier: NAME }, recipient, activity, { immediate: true });
  return { id: activity.id.href, objectId: activity.objectId?.href };
}

function named(ctx, what) {
  numbers += 1;
  return new URL(`/${what}/${numbers}`, ctx.origin);
}

function note(ctx, command, id) {
  return new Note({
    id,
    attribution: ctx.getActorUri(NAME),
    content: command.content,
    replyTarget: command.inReplyTo ? new URL(command.inReplyTo) : null,
    name: command.name ?? null,
    to: PUBLIC_COLLECTION,
    ccs: (command.cc ?? []).map((iri) => new URL(iri)),
    published: Temporal.Now.instant(),
    updated: command.do === "edit" ? Temporal.Now.instant() : null,
  });
}

function spoken(ctx, verb, object, command) {
  return new verb({
    id: named(ctx, "activities"),
    actor: ctx.getActorUri(NAME),
    object,
    audience: command.audience ? new URL(command.audience) : null,
    to: PUBLIC_COLLECTION,
    ccs: (command.cc ?? []).map((iri) => new URL(iri)),
  });
}

const kept = new Map();

const commands = {
  follow(ctx, command) {
    const follow = new Follow({
      id: named(ctx, "activities"),
      actor: ctx.getActorUri(NAME),
      object: new URL(command.object),
    });
    kept.set(follow.id.href, follow);
    return follow;
  },
  say(ctx, command) {
    const id = named(ctx, "notes");
    const said = note(ctx, command, id);
    notes.set(id.pathname.split("/").pop(), said);
    return spoken(ctx, Create, said, command);
  },
  edit(ctx, command) {
    const said = note(ctx, command, new URL(command.object));
    notes.set(said.id.pathname.split("/").pop(), said);
    return spoken(ctx, Update, said, command);
  },
  erase(ctx, command) {
    notes.delete(command.object.split("/").pop());
    return spoken(ctx, Delete, new Tombstone({ id: new URL(command.object) }), command);
  },
  like(ctx, command) {
    const like = spoken(ctx, Like, new URL(command.object), command);
    kept.set(like.id.href, like);
    return like;
  },
  undo(ctx, command) {
    return spoken(ctx, Undo, kept.get(command.object), command);
  },
};

const questions = {
  accept({ scheme }) {
    accepted = scheme;
    return {};
  },
  heard() {
    return { heard, knocks };
  },
  forget() {
    heard.length = knocks.length = 0;
    return {};
  },
  async webfinger({ resource }) {
    const ctx = speaking.cavage.createContext(new URL(origin), undefined);
    return (await ctx.lookupWebFinger(resource)) ?? {};
  },
  async lookup({ address }) {
    const ctx = speaking.cavage.createContext(new URL(origin), undefined);
    const documentLoader = await ctx.getDocumentLoader({ identifier: NAME });
    const found = await ctx.lookupObject(address, { documentLoader });
    if (!found) return {};
    return {
      type: found.constructor.name,
      id: found.id?.href,
      name: found.name?.toString() ?? null,
      username: found.preferredUsername?.toString() ?? null,
      inbox: found.inboxId?.href ?? null,
      sharedInbox: found.endpoints?.sharedInbox?.href ?? null,
      key: found.publicKeyId?.href ?? null,
      methods: found.assertionMethodIds?.map((id) => id.href) ?? [],
      content: found.content?.toString() ?? null,
    };
  },
};

async function obey(command) {
  if (command.do in questions) return await questions[command.do](command);
  const ctx = speaking[command.scheme ?? "cavage"].createContext(new URL(origin), undefined);
  return await send(ctx, command.inbox, await commands[command.do](ctx, command));
}

const door = createServer(async (incoming, outgoing) => {
  let status = 200;
  let told;
  try {
    told = await obey(JSON.parse((await read(incoming)).toString()));
  } catch (error) {
    status = 500;
    told = { error: `${error}`, stack: error?.stack };
  }
  outgoing.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(told));
});

const listening = (one) => new Promise((ready) => one.listen(0, "127.0.0.1", ready));
await listening(server);
await listening(door);
const origin = `http://127.0.0.1:${server.address().port}`;
console.log(JSON.stringify({ origin, door: `http://127.0.0.1:${door.address().port}` }));
createInterface({ input: process.stdin }).on("close", () => process.exit(0));
