using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Pods;
using Hanbae.Machinery.Quota;

namespace Hanbae.Controllers.HorizontalPodAutoscalers;

/// <summary>How far from one a ratio may be without anything being done (KEP-4951 lets an autoscaler say).</summary>
readonly record struct Tolerance(double Down, double Up)
{
    public bool Holds(double ratio) => 1 - Down <= ratio && ratio <= 1 + Up;
}

/// <summary>What readings mean for the number of replicas.</summary>
/// <param name="Average">Per Pod, in thousandths.</param>
/// <param name="Utilization">Per cent of what is requested; null where nothing is compared to requests.</param>
readonly record struct Proposed(int Replicas, long Average, int? Utilization = null);

/// <summary>Upstream's replica calculator: how many Pods bring use back to its target, with care for those of which little is known.</summary>
/// <remarks>
/// Pods that are not ready yet have a use that tells nothing, Pods without readings none at all: where that would decide, they count as idle when it
/// would go up and as fully used when it would go down, so that what is not known only ever makes a change smaller.
/// </remarks>
static class ReplicaMath
{
    /// <summary>How long processor use of a Pod that starts is not believed.</summary>
    static readonly TimeSpan s_initialization = TimeSpan.FromMinutes(5);
    static readonly TimeSpan s_initialReadiness = TimeSpan.FromSeconds(30);

    /// <param name="target">In per cent of requests.</param>
    /// <param name="container">Empty for all.</param>
    public static Proposed ByUtilization(int current, int target, string resource, string container, IReadOnlyList<Pod> pods, Dictionary<string, Reading> readings, Tolerance tolerance, DateTimeOffset now)
    {
        var (ready, ignored, missing) = Group(pods, readings, resource, now);
        var values = readings.Where(r => !ignored.Contains(r.Key)).ToDictionary(r => r.Key, r => r.Value.Value);
        if (values.Count == 0) throw new ReadingException("did not receive metrics for targeted pods (pods might be unready)");
        var requests = pods.ToDictionary(p => p.Metadata.Name, p => Requested(p, resource, container));
        (double Ratio, int Percent, long Average) Ratio()
        {
            var known = values.Where(v => requests.ContainsKey(v.Key)).ToArray();
            long used = known.Sum(v => v.Value), requested = known.Sum(v => requests[v.Key]);
            if (requested == 0) throw new ReadingException("no metrics returned matched known pods");
            int percent = (int)(used * 100 / requested);
            return (percent / (double)target, percent, used / known.Length);
        }
        var (ratio, percent, average) = Ratio();
        int replicas = Replicas(current, ready, ratio, values, ignored, missing, name => requests[name] * Math.Max(100, target) / 100, () => Ratio().Ratio, tolerance);
        return new(replicas, average, percent);
    }

    /// <param name="target">Per Pod, in thousandths.</param>
    /// <param name="resource">Empty for what is no resource: then readiness tells nothing.</param>
    public static Proposed ByAverage(int current, long target, string resource, IReadOnlyList<Pod> pods, Dictionary<string, Reading> readings, Tolerance tolerance, DateTimeOffset now)
    {
        var (ready, ignored, missing) = Group(pods, readings, resource, now);
        var values = readings.Where(r => !ignored.Contains(r.Key)).ToDictionary(r => r.Key, r => r.Value.Value);
        if (values.Count == 0) throw new ReadingException("did not receive metrics for targeted pods (pods might be unready)");
        long Average() => values.Values.Sum() / values.Count;
        long average = Average();
        int replicas = Replicas(current, ready, average / (double)target, values, ignored, missing, _ => target, () => Average() / (double)target, tolerance);
        return new(replicas, average);
    }

    static int Replicas(int current, int ready, double ratio, Dictionary<string, long> values, HashSet<string> ignored, HashSet<string> missing, Func<string, long> full, Func<double> again, Tolerance tolerance)
    {
        bool rebalance = ignored.Count > 0 && ratio > 1;
        if (!rebalance && missing.Count == 0) return tolerance.Holds(ratio) ? current : (int)Math.Ceiling(ratio * ready);
        foreach (string name in missing)
            if (ratio < 1) values[name] = full(name);
            else if (ratio > 1) values[name] = 0;
        if (rebalance)
            foreach (string name in ignored) values[name] = 0;
        double anew = again();
        // What would turn the direction round is no reason to go either way.
        if (tolerance.Holds(anew) || ratio < 1 && anew > 1 || ratio > 1 && anew < 1) return current;
        int replicas = (int)Math.Ceiling(anew * values.Count);
        return anew < 1 && replicas > current || anew > 1 && replicas < current ? current : replicas;
    }

    /// <summary>For a value that belongs to all replicas together.</summary>
    public static int ByTotal(int current, long value, long target, IReadOnlyList<Pod> pods, Tolerance tolerance)
    {
        double ratio = value / (double)target;
        if (current == 0) return (int)Math.Ceiling(ratio);
        if (tolerance.Holds(ratio)) return current;
        if (pods.Count == 0) throw new ReadingException("unable to calculate ready pods: no pods returned by selector while calculating replica count");
        return (int)Math.Ceiling(ratio * pods.Count(p => p.Status.Phase == "Running" && p.Condition("Ready") is { Status: "True" }));
    }

    /// <summary>For a value of which each replica is to have a share.</summary>
    /// <param name="running">The replicas that there are.</param>
    public static Proposed ByShare(int running, long value, long target, Tolerance tolerance)
    {
        double ratio = value / (target * (double)running);
        return new(tolerance.Holds(ratio) ? running : (int)Math.Ceiling(value / (double)target), running == 0 ? value : (long)Math.Ceiling(value / (double)running));
    }

    static (int Ready, HashSet<string> Ignored, HashSet<string> Missing) Group(IReadOnlyList<Pod> pods, Dictionary<string, Reading> readings, string resource, DateTimeOffset now)
    {
        if (pods.Count == 0) throw new ReadingException("no pods returned by selector while calculating replica count");
        int ready = 0;
        HashSet<string> ignored = [], missing = [];
        foreach (var pod in pods)
        {
            string name = pod.Metadata.Name;
            // What is going or has failed counts for nothing, whatever was read of it.
            if (pod.Metadata.DeletionTimestamp is not null || pod.Status.Phase == "Failed") { readings.Remove(name); continue; }
            if (pod.Status.Phase == "Pending") ignored.Add(name);
            else if (!readings.TryGetValue(name, out var reading)) missing.Add(name);
            else if (resource == "cpu" && !Tells(pod, reading, now)) ignored.Add(name);
            else ready++;
        }
        return (ready, ignored, missing);
    }

    /// <summary>Whether processor use tells of the Pod's work rather than of its start.</summary>
    static bool Tells(Pod pod, Reading reading, DateTimeOffset now)
    {
        if (pod.Condition("Ready") is not { } ready || pod.Status.StartTime is not { } start) return false;
        var since = ready.LastTransitionTime ?? default;
        return start + s_initialization > now ? ready.Status != "False" && reading.At >= since + reading.Window
            : ready.Status != "False" || start + s_initialReadiness <= since;
    }

    static long Requested(Pod pod, string resource, string container)
    {
        // One that asks as a whole is asked as a whole, with its overhead (KEP-2837): a container of it need not ask for anything.
        if (container.Length == 0 && PodAmounts.RequestsPodLevel(pod))
            return PodAmounts.Requests(pod with { Status = new() }).TryGet(resource, out var whole) ? whole.MilliValue()
                : throw new ReadingException($"missing pod-level request for {resource} in Pod {pod.Metadata.Name}");
        long sum = 0;
        bool any = container.Length == 0;
        foreach (var c in pod.Spec.Containers.Concat(pod.Spec.InitContainers.Where(i => i.RestartPolicy == "Always")))
            if (container.Length == 0 || c.Name == container)
            {
                any = true;
                sum += c.Resources.Requests.TryGet(resource, out var request) ? request.MilliValue()
                    : throw new ReadingException($"missing request for {resource} in container {c.Name} of Pod {pod.Metadata.Name}");
            }
        return any ? sum : throw new ReadingException($"container {container} not found in Pod {pod.Metadata.Name}");
    }
}
