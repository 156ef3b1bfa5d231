// One document into the inbox: `node producer.mjs EVENT_ID`, with ANNALS_BROKER (npm install kafkajs).
import { Kafka, Partitioners } from "kafkajs";

const event = {
  event_id: process.argv[2],
  event_type: "DocumentIngested",
  aggregate_id: "letters/javascript",
  event_data: { title: "A letter from JavaScript", text: "Ada Lovelace wrote this letter in JavaScript." },
  timestamp: new Date().toISOString(),
};
const kafka = new Kafka({ brokers: [process.env.ANNALS_BROKER ?? "127.0.0.1:9094"] });
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
await producer.connect();
await producer.send({ topic: "annals.inbox", messages: [{ key: event.aggregate_id, value: JSON.stringify(event) }] });
await producer.disconnect();
