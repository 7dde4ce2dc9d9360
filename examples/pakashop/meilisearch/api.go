package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// handler speaks Meilisearch's API as far as it goes.
func handler(q *queue, key string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]string{"status": "available"})
	})
	mux.HandleFunc("GET /stats", locked(key, q.showStats))
	mux.HandleFunc("GET /tasks", locked(key, q.showTasks))
	mux.HandleFunc("POST /indexes/{index}/documents", locked(key, q.takeDocuments))
	mux.HandleFunc("POST /fault", q.setFault)
	return mux
}

// locked is for those who have the key.
func locked(key string, answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); {
		case key == "" || given == key:
			answer(w, r)
		case !ok:
			refuse(w, http.StatusUnauthorized, "missing_authorization_header", "The Authorization header is missing.")
		default:
			refuse(w, http.StatusForbidden, "invalid_api_key", "The provided API key is invalid.")
		}
	}
}

func reply(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	reply(w, status, map[string]string{"message": message, "code": code, "type": "invalid_request"})
}

func (q *queue) showStats(w http.ResponseWriter, _ *http.Request) {
	indexes := q.stats()
	size := 0
	for _, s := range indexes {
		size += s.Documents * 1024
	}
	reply(w, http.StatusOK, map[string]any{"databaseSize": size, "lastUpdate": nil, "indexes": indexes})
}

// showTasks knows statuses, limit and reverse; as Meilisearch does, it refuses
// parameters that it does not know.
func (q *queue) showTasks(w http.ResponseWriter, r *http.Request) {
	limit, statuses := 20, map[string]bool{}
	query := r.URL.Query()
	for name := range query {
		switch value := query.Get(name); name {
		case "statuses":
			for s := range strings.SplitSeq(value, ",") {
				statuses[s] = true
			}
		case "limit":
			n, err := strconv.Atoi(value)
			if err != nil || n < 0 {
				refuse(w, http.StatusBadRequest, "invalid_task_limit", "Invalid value in parameter `limit`.")
				return
			}
			limit = n
		case "reverse":
		default:
			refuse(w, http.StatusBadRequest, "bad_request", fmt.Sprintf("Unknown parameter %q.", name))
			return
		}
	}
	page, total := q.list(statuses, limit, query.Get("reverse") == "true")
	var from, next *int
	if len(page) > 0 {
		from = &page[0].UID
	}
	if len(page) > 0 && len(page) < total {
		after := page[len(page)-1].UID - 1
		next = &after
	}
	reply(w, http.StatusOK, map[string]any{"results": page, "total": total, "limit": limit, "from": from, "next": next})
}

var indexName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,400}$`)

// maxDocuments bounds what one task may bring, in bytes.
const maxDocuments = 10 << 20

// takeDocuments enqueues a JSON array or lines of JSON; what they say is not kept.
func (q *queue) takeDocuments(w http.ResponseWriter, r *http.Request) {
	index := r.PathValue("index")
	if !indexName.MatchString(index) {
		refuse(w, http.StatusBadRequest, "invalid_index_uid", "That is no name of an index.")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDocuments))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "payload_too_large", "The provided payload reached the size limit.")
		return
	}
	n, err := count(body)
	if err != nil {
		refuse(w, http.StatusBadRequest, "malformed_payload", "The documents are not JSON.")
		return
	}
	t, err := q.add(index, n, time.Now())
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, "no_space_left_on_device", err.Error())
		return
	}
	reply(w, http.StatusAccepted, map[string]any{"taskUid": t.UID, "indexUid": t.Index, "status": t.Status, "type": t.Type, "enqueuedAt": t.EnqueuedAt})
}

// count counts documents: of an array, or one a line.
func count(body []byte) (int, error) {
	if trimmed := bytes.TrimSpace(body); bytes.HasPrefix(trimmed, []byte("[")) {
		var all []json.RawMessage
		err := json.Unmarshal(trimmed, &all)
		return len(all), err
	}
	n := 0
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(nil, maxDocuments)
	for lines.Scan() {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		if !json.Valid(lines.Bytes()) {
			return 0, fmt.Errorf("line %d is not JSON", n+1)
		}
		n++
	}
	return n, lines.Err()
}

// setFault takes kind=stuck or kind=off.
func (q *queue) setFault(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	switch kind := r.FormValue("kind"); kind {
	case "stuck", "off":
		q.stick(kind == "stuck")
		reply(w, http.StatusOK, map[string]string{"fault": kind})
	default:
		refuse(w, http.StatusBadRequest, "bad_request", fmt.Sprintf("kind=%q is neither stuck nor off", kind))
	}
}
