using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Figures;
using Container = Hanbae.Api.Core.V1.Container;

namespace Hanbae.Kubelet.Probes;

/// <summary>One probe of one running container: thresholds, hold, and when it is due. Pure: time and results come from outside.</summary>
/// <param name="succeeded">It is known to have succeeded, from before.</param>
sealed class ProbeState(Pod pod, Container container, string containerId, ProbeKind kind, Probe probe, DateTimeOffset startedAt, bool succeeded = false)
{
    ProbeVerdict _last = ProbeVerdict.Unknown;
    int _run;
    bool _hold;

    public Pod Pod => pod;
    public Container Container => container;
    public string ContainerId => containerId;
    public ProbeKind Kind => kind;
    public Probe Probe => probe;

    public TimeSpan Timeout => TimeSpan.FromSeconds(Math.Max(probe.TimeoutSeconds, 1));
    public TimeSpan Period => TimeSpan.FromSeconds(probe.PeriodSeconds > 0 ? probe.PeriodSeconds : 10);

    public DateTimeOffset First => startedAt + TimeSpan.FromSeconds(probe.InitialDelaySeconds);

    /// <summary>Until the first word: not ready, but alive.</summary>
    public ProbeVerdict Result { get; private set; } = succeeded ? ProbeVerdict.Success : kind switch
    {
        ProbeKind.Readiness => ProbeVerdict.Failure, ProbeKind.Liveness => ProbeVerdict.Success, _ => ProbeVerdict.Unknown,
    };

    /// <summary>Whether it is to be asked now: not once it has decided for good, and the others not before the container has started up.</summary>
    public bool Wanted(ProbeVerdict startup) => !_hold && (kind == ProbeKind.Startup ? Result != ProbeVerdict.Success : container.StartupProbe is null || startup == ProbeVerdict.Success);

    /// <returns>Whether the result changed.</returns>
    public bool Add(ProbeVerdict verdict)
    {
        if (verdict == ProbeVerdict.Unknown) return false; // an error of asking says nothing
        _run = verdict == _last ? _run + 1 : 1;
        _last = verdict;
        int threshold = verdict == ProbeVerdict.Failure ? probe.FailureThreshold > 0 ? probe.FailureThreshold : 3 : Math.Max(probe.SuccessThreshold, 1);
        if (_run < threshold) return false;
        bool changed = Result != verdict;
        Result = verdict;
        // The container will be ended: until there is a new one there is nothing to ask.
        if (verdict == ProbeVerdict.Failure && kind != ProbeKind.Readiness) { _hold = true; _run = 0; }
        return changed;
    }

    public void Hold() => _hold = true;

    /// <summary>Counts how often it was given a time to be asked at: only the last one counts.</summary>
    public long Turn { get; set; }

    long _succeeded, _failed, _unknown;

    public (long Succeeded, long Failed, long Unknown) Counts => (_succeeded, _failed, _unknown);

    /// <summary>For metrics; one probe is never asked twice at once.</summary>
    /// <param name="took">Of a probe that failed nobody asks how long it took, as upstream.</param>
    public void Count(ProbeVerdict verdict, TimeSpan took)
    {
        if (verdict != ProbeVerdict.Failure) Durations.Add(took.TotalSeconds);
        _ = verdict switch { ProbeVerdict.Success => _succeeded++, ProbeVerdict.Failure => _failed++, _ => _unknown++ };
    }

    public Histogram Durations { get; } = new(Histogram.Common);
}
