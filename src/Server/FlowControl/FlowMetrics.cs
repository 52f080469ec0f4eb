using Hanbae.Machinery.Figures;

namespace Hanbae.Server.FlowControl;

/// <summary>Prints what flow control knows in Prometheus' text form, under upstream's names.</summary>
static class FlowMetrics
{
    const string Prefix = "apiserver_flowcontrol_";

    public static void Render(PrometheusText text, FlowConfiguration now)
    {
        var levels = now.Levels.Values.ToArray();
        Levels(text, levels, "nominal_limit_seats", "Seats that a level has by its shares.", l => l.Nominal);
        Levels(text, levels, "request_concurrency_limit", "The same under its older name.", l => l.Nominal);
        Levels(text, levels, "lower_limit_seats", "Seats that a level does not lend.", l => l.Least);
        Levels(text, levels, "upper_limit_seats", "Seats that a level has at most.", l => l.Most);
        Levels(text, levels, "current_limit_seats", "Seats that a level has now.", l => l.Current);
        Levels(text, levels, "demand_seats_high_watermark", "The most seats that a level could have used, in the last period.", l => l.Demand.HighWatermark);
        Levels(text, levels, "demand_seats_average", "Seats that a level could have used on average.", l => l.Demand.Average);
        Levels(text, levels, "demand_seats_stdev", "How far that went up and down.", l => l.Demand.Deviation);
        Levels(text, levels, "demand_seats_smoothed", "Demand as it is divided by.", l => l.Smoothed);
        Levels(text, levels, "target_seats", "What a level asks for.", l => l.Target);
        Head(text, "seat_fair_frac", "gauge", "The part of what they ask for that levels get.");
        text.Sample(Prefix + "seat_fair_frac", "", now.Proportion);

        Levels(text, levels, "current_r", "Progress of the level's queues.", l =>
        {
            double progress = 0;
            l.Queues.Look((set, _, _) => progress = set.Progress);
            return progress;
        });
        Dispatches(text, levels, "dispatch_r", "The same when a request last left a queue.", d => [("", d.Progress)]);
        Dispatches(text, levels, "latest_s", "When that request would have begun, in the level's progress.", d => [("", d.Start)]);
        Dispatches(text, levels, "next_s_bounds", "The least and the most of that, over the oldest requests of all queues.", d => [("min", d.Least), ("max", d.Most)]);
        Dispatches(text, levels, "next_discounted_s_bounds", "The same without the work that is guessed to be under way from each queue.", d => [("min", d.LeastDiscounted), ("max", d.MostDiscounted)]);
        Flows(text, levels, "dispatched_requests_total", "counter", "Requests that were executed.", c => c.Dispatched);
        Flows(text, levels, "current_inqueue_requests", "gauge", "Requests that wait.", c => c.Waiting);
        Flows(text, levels, "current_inqueue_seats", "gauge", "Seats that they wait for.", c => c.WaitingSeats);
        Flows(text, levels, "current_executing_requests", "gauge", "Requests that are executed.", c => c.Executing);
        Flows(text, levels, "current_executing_seats", "gauge", "Seats that they have.", c => c.ExecutingSeats);
        Flows(text, levels, "request_concurrency_in_use", "gauge", "The same under its older name.", c => c.ExecutingSeats);
        Flows(text, levels, "request_dispatch_no_accommodation_total", "counter", "Times that the next request needed more seats than were free.", c => c.NotAccommodated);
        Head(text, "rejected_requests_total", "counter", "Requests that were not executed, by reason.");
        Each(text, levels, (labels, counts) =>
        {
            foreach (var why in (Refusal[])[Refusal.QueueFull, Refusal.ConcurrencyLimit, Refusal.TimeOut, Refusal.Cancelled])
                if (counts.Rejected[(int)why] is > 0 and long rejected)
                    text.Sample(Prefix + "rejected_requests_total", $"{labels},reason=\"{Name(why)}\"", rejected);
        });
        Histograms(text, levels, "request_wait_duration_seconds", "Time in queues.", c => [("execute=\"true\"", c.WaitedToRun), ("execute=\"false\"", c.WaitedInVain)]);
        Histograms(text, levels, "request_execution_seconds", "Time on seats.", c => [("type=\"regular\"", c.Ran), ("type=\"watch\"", c.Began)]);
        Histograms(text, levels, "request_queue_length_after_enqueue", "Length of queues when requests came into them.", c => [("", c.QueueLength)]);
        Histograms(text, levels, "work_estimated_seats", "Seats that requests were taken to need.", c => [("", c.Seats)]);
        Histograms(text, levels, "watch_count_samples", "Watchers that were to hear of a write.", c => [("", c.Watchers)]);
        Ratios(text, levels, "priority_level_seat_utilization", "Seats that were taken, as a part of those that the level had, nanosecond by nanosecond.", u => [("executing", u.Seats)]);
        Ratios(text, levels, "priority_level_request_utilization", "Requests, as a part of those that the level had room for, nanosecond by nanosecond.", u => [("executing", u.Executing), ("waiting", u.Waiting)]);
        Ratios(text, levels, "demand_seats", "Seats that a level could have used, as a part of those that it has by its shares, nanosecond by nanosecond.", u => [("", u.Demand)]);
        const string Traffic = "read_vs_write_current_requests";
        Head(text, Traffic, "histogram", "Requests that read and that write, as a part of those that all levels have room for, nanosecond by nanosecond.");
        now.Traffic.ExecutingWrites.Render(text, Prefix + Traffic, "phase=\"executing\",request_kind=\"mutating\"");
        now.Traffic.ExecutingReads.Render(text, Prefix + Traffic, "phase=\"executing\",request_kind=\"readOnly\"");
        now.Traffic.WaitingWrites.Render(text, Prefix + Traffic, "phase=\"waiting\",request_kind=\"mutating\"");
        now.Traffic.WaitingReads.Render(text, Prefix + Traffic, "phase=\"waiting\",request_kind=\"readOnly\"");
    }

    /// <summary>Of levels whose requests have left queues.</summary>
    static void Dispatches(PrometheusText text, PriorityLevel[] levels, string name, string help, Func<LastDispatch, (string Bound, double Value)[]> values)
    {
        Head(text, name, "gauge", help);
        foreach (var level in levels)
        {
            LastDispatch? last = null;
            level.Queues.Look((set, _, _) => last = set.LastDispatch);
            if (last is not { } dispatch) continue;
            foreach (var (bound, value) in values(dispatch))
                text.Sample(Prefix + name, (bound.Length > 0 ? $"bound=\"{bound}\"," : "") + Of(level), value);
        }
    }

    static void Ratios(PrometheusText text, PriorityLevel[] levels, string name, string help, Func<LevelUse, (string Phase, TimedRatio Values)[]> values)
    {
        Head(text, name, "histogram", help);
        foreach (var level in levels)
            level.Queues.Look((set, _, _) =>
            {
                foreach (var (phase, ratio) in values(set.Use)) ratio.Render(text, Prefix + name, (phase.Length > 0 ? $"phase=\"{phase}\"," : "") + $"priority_level=\"{level.Name}\"");
            });
    }

    static string Name(Refusal why) => why switch
    {
        Refusal.QueueFull => "queue-full", Refusal.ConcurrencyLimit => "concurrency-limit", Refusal.TimeOut => "time-out", _ => "cancelled",
    };

    static void Head(PrometheusText text, string name, string type, string help) => text.Family(Prefix + name, type, help);

    static string Of(PriorityLevel level) => PrometheusText.Labels(("priority_level", level.Name));

    static void Levels(PrometheusText text, PriorityLevel[] levels, string name, string help, Func<PriorityLevel, double> value)
    {
        Head(text, name, "gauge", help);
        foreach (var level in levels) text.Sample(Prefix + name, Of(level), value(level));
    }

    static void Each(PrometheusText text, PriorityLevel[] levels, Action<string, FlowCounts> print)
    {
        foreach (var level in levels)
            level.Queues.Look((_, _, all) =>
            {
                foreach (var counts in all) print(PrometheusText.Labels(("flow_schema", counts.Schema), ("priority_level", level.Name)), counts);
            });
    }

    static void Flows(PrometheusText text, PriorityLevel[] levels, string name, string type, string help, Func<FlowCounts, long> value)
    {
        Head(text, name, type, help);
        Each(text, levels, (labels, counts) => text.Sample(Prefix + name, labels, value(counts)));
    }

    static void Histograms(PrometheusText text, PriorityLevel[] levels, string name, string help, Func<FlowCounts, (string More, Histogram Values)[]> values)
    {
        Head(text, name, "histogram", help);
        Each(text, levels, (labels, counts) =>
        {
            foreach (var (more, histogram) in values(counts))
                if (!histogram.IsEmpty) histogram.Render(text, Prefix + name, more.Length == 0 ? labels : more + "," + labels);
        });
    }
}
