using System.Globalization;

namespace Hanbae.Server.FlowControl;

/// <summary>Shows what waits where: <c>kubectl get --raw /debug/api_priority_and_fairness/dump_priority_levels</c> and its like, in upstream's columns.</summary>
sealed class FlowDumps(FlowControl control)
{
    const string At = "/debug/api_priority_and_fairness/";

    public IEnumerable<PathRoute> Paths()
    {
        yield return new(At + "dump_priority_levels", false, _ => Answer(Levels()));
        yield return new(At + "dump_queues", false, _ => Answer(Queues()));
        yield return new(At + "dump_requests", false, r => Answer(Requests(r.Parameter("includeRequestDetails") is { Length: > 0 })));
    }

    static ValueTask<Reply> Answer(List<string[]> rows)
    {
        // As Go's tabwriter: cells end with a comma and are as wide as the widest of their column, at least eight.
        int[] widths = [.. Enumerable.Range(0, rows.Max(r => r.Length)).Select(i => Math.Max(8, rows.Max(r => i < r.Length - 1 ? r[i].Length + 2 : 0)))];
        var text = new System.Text.StringBuilder();
        foreach (string[] row in rows)
        {
            for (int i = 0; i < row.Length; i++) text.Append(i == row.Length - 1 ? row[i] : (row[i] + ",").PadRight(widths[i]));
            text.Append('\n');
        }
        return new(Reply.Text(text.ToString()));
    }

    static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
    static string Seconds(double number) => number.ToString("F8", CultureInfo.InvariantCulture) + "ss";

    List<string[]> Levels()
    {
        List<string[]> rows = [["PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests", "DispatchedRequests", "RejectedRequests", "TimedoutRequests", "CancelledRequests"]];
        foreach (var level in control.Now.Levels.Values)
        {
            int active = 0;
            long dispatched = 0, rejected = 0, timedOut = 0, cancelled = 0;
            level.Queues.Look((_, queues, counts) =>
            {
                active = queues.Count(q => q.Waiting.Count > 0);
                dispatched = counts.Sum(c => c.Dispatched);
                rejected = counts.Sum(c => c.Rejected.Sum());
                timedOut = counts.Sum(c => c.Rejected[(int)Refusal.TimeOut]);
                cancelled = counts.Sum(c => c.Rejected[(int)Refusal.Cancelled]);
            });
            rows.Add([level.Name, Text(active), level.Queues.IsIdle ? "true" : "false", level.IsQuiescing ? "true" : "false", Text(level.Queues.Waiting), Text(level.Queues.Running),
                Text(dispatched), Text(rejected), Text(timedOut), Text(cancelled)]);
        }
        return rows;
    }

    List<string[]> Queues()
    {
        List<string[]> rows = [["PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "SeatsInUse", "NextDispatchR", "InitialSeatsSum", "MaxSeatsSum", "TotalWorkSum"]];
        foreach (var level in control.Now.Levels.Values)
            level.Queues.Look((_, queues, _) =>
            {
                foreach (var q in queues)
                    rows.Add([level.Name, Text(q.Index), Text(q.Waiting.Count), Text(q.Running), Text(q.SeatsInUse), Seconds(q.NextDispatch), Text(q.InitialSeats), Text(q.WaitingSeats), Seconds(q.WaitingWork)]);
            });
        return rows;
    }

    List<string[]> Requests(bool details)
    {
        string[] head = ["PriorityLevelName", "FlowSchemaName", "QueueIndex", "RequestIndexInQueue", "FlowDistingsher", "ArriveTime", "InitialSeats", "FinalSeats", "AdditionalLatency"];
        List<string[]> rows = [details ? [.. head, "UserName", "Verb", "APIPath", "Namespace", "Name", "APIVersion", "Resource", "SubResource"] : head];
        foreach (var level in control.Now.Levels.Values)
            level.Queues.Look((_, queues, _) =>
            {
                foreach (var queue in queues)
                {
                    int at = 0;
                    foreach (var ticket in queue.Waiting) rows.Add(Row(level, queue, at++, ticket, details));
                }
            });
        return rows;
    }

    static string[] Row(PriorityLevel level, FlowQueue queue, int at, Ticket ticket, bool details)
    {
        string[] row =
        [
            level.Name, ticket.Counts.Schema, Text(queue.Index), Text(at), ticket.Flow, ticket.ArrivedTime.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture),
            Text(ticket.Estimate.InitialSeats), Text(ticket.Estimate.FinalSeats), ticket.Estimate.Lingers.TotalSeconds.ToString(CultureInfo.InvariantCulture) + "s",
        ];
        if (!details || ticket.Request is not { } request) return row;
        var info = request.Info;
        return [.. row, request.User.Name, info.Verb, request.Path, info.Namespace, info.Name, info.ApiGroup.Length == 0 ? info.ApiVersion : info.ApiGroup + "/" + info.ApiVersion, info.Resource, info.Subresource];
    }
}
