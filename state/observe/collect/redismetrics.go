package collect

const fromInfo = "INFO"

var (
	redisUp       = gauge("redis_up", "", "Whether Redis answers: 0 where nobody listens, or it says no.")
	redisInfo     = gauge("redis_instance_info", fromInfo, "Always 1; what Redis says of itself.", "role", "redis_version", "redis_mode", "os", "maxmemory_policy", "tcp_port", "run_id", "process_id")
	redisStart    = gauge("redis_start_time_seconds", fromInfo, "When it started.")
	redisKeys     = gauge("redis_db_keys", fromInfo, "Keys.", "db")
	redisExpiring = gauge("redis_db_keys_expiring", fromInfo, "Keys that expire.", "db")
	redisLink     = gauge("redis_master_link_up", fromInfo, "Whether a replica is connected to its master.", "master_host", "master_port")
	redisHeard    = gauge("redis_master_last_io_seconds_ago", fromInfo, "Since a replica heard of its master.", "master_host", "master_port")
	redisTTL      = gauge("redis_db_avg_ttl_seconds", fromInfo, "How long keys that expire have, on the average.", "db")
)

func redisMetrics() []Metric {
	return append([]Metric{redisUp, redisInfo, redisStart, redisKeys, redisExpiring, redisTTL, redisLink, redisHeard}, values(redisFields)...)
}

func infoGauge(name, metric, help string) field { return field{name, gauge(metric, fromInfo, help)} }

func infoCounter(name, metric, help string) field {
	return field{name, counter(metric, fromInfo, help)}
}

// redisFields are fields of INFO; ok, up are 1 and err, fail, down are 0.
var redisFields = []field{
	infoGauge("uptime_in_seconds", "redis_uptime_in_seconds", "Since it started."),
	infoGauge("connected_clients", "redis_connected_clients", "Connections of clients."),
	infoGauge("blocked_clients", "redis_blocked_clients", "Clients that wait in a blocking call."),
	infoGauge("maxclients", "redis_max_clients", "How many clients may be connected."),
	infoGauge("used_memory", "redis_memory_used_bytes", "Memory that its allocator handed out."),
	infoGauge("used_memory_rss", "redis_memory_used_rss_bytes", "Memory that the system counts."),
	infoGauge("used_memory_peak", "redis_memory_used_peak_bytes", "The most that was in use."),
	infoGauge("used_memory_dataset", "redis_memory_used_dataset_bytes", "Memory of the data."),
	infoGauge("used_memory_overhead", "redis_memory_used_overhead_bytes", "Memory of what manages the data."),
	infoGauge("used_memory_lua", "redis_memory_used_lua_bytes", "Memory of Lua."),
	infoGauge("maxmemory", "redis_memory_max_bytes", "maxmemory; 0: there is none."),
	infoGauge("mem_fragmentation_ratio", "redis_mem_fragmentation_ratio", "rss by used."),
	infoGauge("loading", "redis_loading_dump_file", "Whether it loads a dump."),
	infoGauge("rdb_changes_since_last_save", "redis_rdb_changes_since_last_save", "Changes that no dump has."),
	infoGauge("rdb_bgsave_in_progress", "redis_rdb_bgsave_in_progress", "Whether it is writing a dump."),
	infoGauge("rdb_last_save_time", "redis_rdb_last_save_timestamp_seconds", "When the last dump was written."),
	infoGauge("rdb_last_bgsave_status", "redis_rdb_last_bgsave_status", "Whether the last dump was well."),
	infoGauge("aof_enabled", "redis_aof_enabled", "Whether it logs what is written."),
	infoGauge("aof_last_write_status", "redis_aof_last_write_status", "Whether the last write to that log was well."),
	infoGauge("connected_slaves", "redis_connected_slaves", "Replicas that are connected."),
	infoGauge("cluster_enabled", "redis_cluster_enabled", "Whether it is one of a cluster."),
	infoCounter("total_connections_received", "redis_connections_received_total", "Connections accepted."),
	infoCounter("rejected_connections", "redis_rejected_connections_total", "Connections refused over maxclients."),
	infoCounter("total_commands_processed", "redis_commands_processed_total", "Commands done."),
	infoCounter("total_net_input_bytes", "redis_net_input_bytes_total", "Bytes read."),
	infoCounter("total_net_output_bytes", "redis_net_output_bytes_total", "Bytes written."),
	infoCounter("expired_keys", "redis_expired_keys_total", "Keys that expired."),
	infoCounter("evicted_keys", "redis_evicted_keys_total", "Keys that were evicted over maxmemory."),
	infoCounter("keyspace_hits", "redis_keyspace_hits_total", "Keys that were asked for and found."),
	infoCounter("keyspace_misses", "redis_keyspace_misses_total", "Keys that were asked for in vain."),
	infoCounter("used_cpu_sys", "redis_cpu_sys_seconds_total", "Processor time in the kernel."),
	infoCounter("used_cpu_user", "redis_cpu_user_seconds_total", "Processor time of its own."),
}
