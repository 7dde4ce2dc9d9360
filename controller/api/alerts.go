package api

import "net/http"

func (s *Server) alerts(w http.ResponseWriter, r *http.Request) {
	if v, ok := s.now(w, r); ok {
		s.answer(w, v.Alerts())
	}
}
