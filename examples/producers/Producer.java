// One document into the inbox: `java -cp 'lib/*' Producer.java EVENT_ID`, with ANNALS_BROKER (kafka-clients in lib/).
import java.time.Instant;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

class Producer {
    public static void main(String[] arguments) throws Exception {
        String id = "letters/java";
        String event = """
            {"event_id": "%s", "event_type": "DocumentIngested", "aggregate_id": "%s", "timestamp": "%s",
             "event_data": {"title": "A letter from Java", "text": "Ada Lovelace wrote this letter in Java."}}
            """.formatted(arguments[0], id, Instant.now());
        String broker = System.getenv().getOrDefault("ANNALS_BROKER", "127.0.0.1:9094");
        Map<String, Object> settings = Map.of("bootstrap.servers", broker);
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>("annals.inbox", id, event)).get();
        }
    }
}
