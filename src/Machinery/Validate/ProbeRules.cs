using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Probes and lifecycle hooks: what kubelets call containers by.</summary>
static class ProbeRules
{
    static readonly string[] s_windowsSignals = ["SIGKILL", "SIGTERM"];
    static readonly string[] s_signals = [.. new[]
    {
        "SIGABRT", "SIGALRM", "SIGBUS", "SIGCHLD", "SIGCLD", "SIGCONT", "SIGFPE", "SIGHUP", "SIGILL", "SIGINT", "SIGIO", "SIGIOT", "SIGKILL", "SIGPIPE", "SIGPOLL", "SIGPROF", "SIGPWR",
        "SIGQUIT", "SIGRTMAX", "SIGRTMIN", "SIGSEGV", "SIGSTKFLT", "SIGSTOP", "SIGSYS", "SIGTERM", "SIGTRAP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGUSR1", "SIGUSR2", "SIGVTALRM",
        "SIGWINCH", "SIGXCPU", "SIGXFSZ",
    }.Concat(Enumerable.Range(1, 15).Select(n => "SIGRTMIN+" + n)).Concat(Enumerable.Range(1, 14).Select(n => "SIGRTMAX-" + n)).Order(StringComparer.Ordinal)];

    /// <param name="os">Whose signals there are; empty where the Pod does not say.</param>
    public static void Container(FieldPath at, Container c, long? grace, string os, Errors errors)
    {
        if (c.Lifecycle is { } lifecycle)
        {
            if (lifecycle.StopSignal is { } signal)
                if (os.Length == 0) errors.Forbidden(at["lifecycle"]["stopSignal"], "may not be set for containers with empty `spec.os.name`");
                else errors.OneOf(at["lifecycle"]["stopSignal"], signal, os == "windows" ? s_windowsSignals : s_signals);
            if (lifecycle.PostStart is { } start) Hook(at["lifecycle"]["postStart"], start, grace, errors);
            if (lifecycle.PreStop is { } stop) Hook(at["lifecycle"]["preStop"], stop, grace, errors);
        }
        Probe(at["livenessProbe"], c.LivenessProbe, once: true, errors);
        Probe(at["readinessProbe"], c.ReadinessProbe, once: false, errors);
        if (c.ReadinessProbe?.TerminationGracePeriodSeconds is { } seconds)
            errors.Invalid(at["readinessProbe"]["terminationGracePeriodSeconds"], seconds, "must not be set for readinessProbes");
        Probe(at["startupProbe"], c.StartupProbe, once: true, errors);
    }

    static void Probe(FieldPath at, Probe? probe, bool once, Errors errors)
    {
        if (probe is null) return;
        Handlers(at, probe.Exec, probe.HttpGet, probe.TcpSocket, probe.Grpc, null, null, errors);
        errors.NotNegative(at["initialDelaySeconds"], probe.InitialDelaySeconds);
        errors.NotNegative(at["timeoutSeconds"], probe.TimeoutSeconds);
        errors.NotNegative(at["periodSeconds"], probe.PeriodSeconds);
        errors.NotNegative(at["successThreshold"], probe.SuccessThreshold);
        errors.NotNegative(at["failureThreshold"], probe.FailureThreshold);
        if (probe.TerminationGracePeriodSeconds is <= 0 and { } grace) errors.Invalid(at["terminationGracePeriodSeconds"], grace, "must be greater than 0");
        if (once && probe.SuccessThreshold != 1) errors.Invalid(at["successThreshold"], probe.SuccessThreshold, "must be 1");
    }

    static void Hook(FieldPath at, LifecycleHandler hook, long? grace, Errors errors) =>
        Handlers(at, hook.Exec, hook.HttpGet, hook.TcpSocket, null, hook.Sleep, grace, errors);

    static void Handlers(FieldPath at, ExecAction? exec, HTTPGetAction? get, TCPSocketAction? tcp, GRPCAction? grpc, SleepAction? sleep, long? grace, Errors errors)
    {
        int count = 0;
        bool First(string name)
        {
            if (count++ == 0) return true;
            errors.Forbidden(at[name], "may not specify more than 1 handler type");
            return false;
        }

        if (exec is not null && First("exec") && exec.Command.IsEmpty) errors.Required(at["exec"]["command"]);
        if (get is not null && First("httpGet"))
        {
            var here = at["httpGet"];
            if (get.Path.Length == 0) errors.Required(here["path"]);
            errors.PortOrName(here["port"], get.Port);
            errors.OneOf(here["scheme"], get.Scheme, "HTTP", "HTTPS");
            foreach (var header in get.HttpHeaders) errors.Invalid(here["httpHeaders"], header.Name, Names.HttpHeader(header.Name));
        }
        if (tcp is not null && First("tcpSocket")) errors.PortOrName(at["tcpSocket"]["port"], tcp.Port);
        if (grpc is not null && First("grpc")) errors.Port(at["grpc"]["port"], grpc.Port);
        if (sleep is not null && First("sleep") && (sleep.Seconds < 0 || sleep.Seconds > (grace ?? long.MaxValue)))
            errors.Invalid(at["sleep"], sleep.Seconds, $"must be non-negative and less than terminationGracePeriodSeconds ({grace ?? 0})");
        if (count == 0) errors.Required(at, "must specify a handler type");
    }
}
