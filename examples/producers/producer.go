// One document into the inbox: `go run producer.go EVENT_ID`, with ANNALS_BROKER (go get github.com/twmb/franz-go).
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"log"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	id := "letters/go"
	event, _ := json.Marshal(map[string]any{
		"event_id": os.Args[1], "event_type": "DocumentIngested", "aggregate_id": id,
		"event_data": map[string]string{"title": "A letter from Go", "text": "Ada Lovelace wrote this letter in Go."},
		"timestamp":  time.Now().UTC(),
	})
	client, err := kgo.NewClient(kgo.SeedBrokers(cmp.Or(os.Getenv("ANNALS_BROKER"), "127.0.0.1:9094")))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	record := &kgo.Record{Topic: "annals.inbox", Key: []byte(id), Value: event}
	if err := client.ProduceSync(context.Background(), record).FirstErr(); err != nil {
		log.Fatal(err)
	}
}
