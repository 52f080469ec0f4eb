using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Autoscaling.V2;

namespace Hanbae.Controllers.HorizontalPodAutoscalers;

/// <summary>What was recommended and done of late: it keeps an autoscaler from following every swing. Losing it costs a window's patience.</summary>
sealed record ScaleMemory(ImmutableArray<(int Replicas, DateTimeOffset At)> Recommended, ImmutableArray<(int Change, DateTimeOffset At)> Changes)
{
    public static ScaleMemory Empty { get; } = new([], []);

    /// <summary>Notes a change of the number of replicas; older ones than the longest period of a policy (half an hour) are forgotten.</summary>
    public ScaleMemory Changed(int by, DateTimeOffset now) => this with { Changes = [.. Changes.Where(c => c.At > now.AddMinutes(-30)), (by, now)] };
}

/// <summary>What of a recommendation may be done now.</summary>
/// <param name="Able">The condition AbleToScale.</param>
/// <param name="Limited">The condition ScalingLimited.</param>
sealed record Bounded(int Replicas, (string Reason, string Message) Able, (bool Is, string Reason, string Message) Limited, ScaleMemory Memory)
{
    static readonly TimeSpan s_down = TimeSpan.FromMinutes(5);
    const string Lower = "recent recommendations were lower than current one, applying the lowest recent recommendation";
    const string Higher = "recent recommendations were higher than current one, applying the highest recent recommendation";

    /// <summary>First the window of stabilization, then the rates, then the bounds of the spec; in upstream's words.</summary>
    public static Bounded Of(HorizontalPodAutoscalerSpec spec, int current, int wanted, ScaleMemory memory, DateTimeOffset now)
    {
        var (stable, able, kept) = spec.Behavior is { } behavior ? Stabilize(behavior, current, wanted, memory, now) : Stabilize(wanted, memory, now);
        int least = spec.MinReplicas ?? 1;
        var (replicas, reason, message) = spec.Behavior is { } rates ? ByRates(rates, current, stable, least, spec.MaxReplicas, memory, now) : Plainly(current, stable, least, spec.MaxReplicas);
        return new(replicas, able, (replicas != stable, reason, message), kept);
    }

    static readonly (string, string) s_ready = ("ReadyForNewScale", "recommended size matches current size");

    static (int, (string, string), ScaleMemory) Stabilize(int wanted, ScaleMemory memory, DateTimeOffset now)
    {
        var recent = memory.Recommended.Where(r => r.At >= now - s_down).ToImmutableArray();
        int stable = recent.Select(r => r.Replicas).Append(wanted).Max();
        return (stable, stable == wanted ? s_ready : ("ScaleDownStabilized", Higher), memory with { Recommended = recent.Add((wanted, now)) });
    }

    static (int, (string, string), ScaleMemory) Stabilize(HorizontalPodAutoscalerBehavior behavior, int current, int wanted, ScaleMemory memory, DateTimeOffset now)
    {
        var up = TimeSpan.FromSeconds(behavior.ScaleUp?.StabilizationWindowSeconds ?? 0);
        var down = behavior.ScaleDown?.StabilizationWindowSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : s_down;
        int lowest = wanted, highest = wanted;
        foreach (var (replicas, at) in memory.Recommended)
        {
            if (at > now - up) lowest = Math.Min(lowest, replicas);
            if (at > now - down) highest = Math.Max(highest, replicas);
        }
        // Towards the present number, and no further.
        int stable = current;
        if (stable < lowest) stable = lowest;
        if (stable > highest) stable = highest;
        var longest = up > down ? up : down;
        var kept = memory with { Recommended = [.. memory.Recommended.Where(r => r.At >= now - longest), (wanted, now)] };
        return (stable, stable == wanted ? s_ready : wanted >= current ? ("ScaleUpStabilized", Lower) : ("ScaleDownStabilized", Higher), kept);
    }

    static readonly (string, string) s_within = ("DesiredWithinRange", "the desired count is within the acceptable range");
    static readonly (string, string) s_tooFast = ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate");
    static readonly (string, string) s_tooMany = ("TooManyReplicas", "the desired replica count is more than the maximum replica count");
    static readonly (string, string) s_tooFastDown = ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate");
    static readonly (string, string) s_tooFew = ("TooFewReplicas", "the desired replica count is less than the minimum replica count");

    static (int, string, string) Say(int replicas, (string Reason, string Message) why) => (replicas, why.Reason, why.Message);

    /// <summary>Without rules of its own: at most doubled, or four.</summary>
    static (int, string, string) Plainly(int current, int wanted, int least, int most)
    {
        int fast = Math.Max(2 * current, 4);
        if (wanted < least) return Say(least, s_tooFew);
        return most > fast ? wanted > fast ? Say(fast, s_tooFast) : Say(wanted, s_within) : wanted > most ? Say(most, s_tooMany) : Say(wanted, s_within);
    }

    static (int, string, string) ByRates(HorizontalPodAutoscalerBehavior behavior, int current, int wanted, int least, int most, ScaleMemory memory, DateTimeOffset now)
    {
        int Changed(int seconds, int sign) => memory.Changes.Where(c => Math.Sign(c.Change) == sign && c.At > now.AddSeconds(-seconds)).Sum(c => Math.Abs(c.Change));
        if (wanted > current)
        {
            int fast = Math.Max(UpTo(behavior.ScaleUp, current, p => Changed(p, 1), p => Changed(p, -1)), current);
            if (most > fast) return wanted > fast ? Say(fast, s_tooFast) : Say(wanted, s_within);
            return wanted > most ? Say(most, s_tooMany) : Say(wanted, s_within);
        }
        if (wanted == current) return Say(wanted, s_within);
        int slow = Math.Min(DownTo(behavior.ScaleDown, current, p => Changed(p, 1), p => Changed(p, -1)), current);
        if (least < slow) return wanted < slow ? Say(slow, s_tooFastDown) : Say(wanted, s_within);
        return wanted < least ? Say(least, s_tooFew) : Say(wanted, s_within);
    }

    static int UpTo(HPAScalingRules? rules, int current, Func<int, int> added, Func<int, int> taken)
    {
        if (rules is null) return int.MaxValue;
        if (rules.SelectPolicy == "Disabled") return current;
        // Percentages round up, or nothing would ever grow.
        var limits = rules.Policies.Select(p => (At: current - added(p.PeriodSeconds) + taken(p.PeriodSeconds), p))
            .Select(p => p.p.Type == "Pods" ? p.At + p.p.Value : (int)Math.Ceiling(p.At * (1 + p.p.Value / 100.0)));
        return rules.SelectPolicy == "Min" ? limits.DefaultIfEmpty(current).Min() : limits.DefaultIfEmpty(current).Max();
    }

    static int DownTo(HPAScalingRules? rules, int current, Func<int, int> added, Func<int, int> taken)
    {
        if (rules is null) return 0;
        if (rules.SelectPolicy == "Disabled") return current;
        var limits = rules.Policies.Select(p => (At: current + taken(p.PeriodSeconds) - added(p.PeriodSeconds), p))
            .Select(p => p.p.Type == "Pods" ? p.At - p.p.Value : (int)(p.At * (1 - p.p.Value / 100.0)));
        // The least change leaves most.
        return rules.SelectPolicy == "Min" ? limits.DefaultIfEmpty(current).Max() : limits.DefaultIfEmpty(current).Min();
    }
}
