using System.CommandLine;
using Hanbae.Client;
using Hanbae.Host.Roles;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Commands;

/// <summary>What the scheduler and the controllers by themselves are told alike: whose cluster, and how one of several gets to work. Names are upstream's.</summary>
sealed class ElectionFlags(string lease, int port)
{
    readonly ServingFlags _serving = new(port);
    readonly Option<string?> _kubeconfig = new("--kubeconfig") { Description = "How the API server is reached (the current context, or the cluster that this is a Pod of)." };
    readonly Option<bool> _elect = new("--leader-elect") { Description = "Wait until no other instance works; false works at once.", DefaultValueFactory = _ => true };
    readonly Option<string> _name = new("--leader-elect-resource-name") { Description = "The Lease in kube-system that tells who works.", DefaultValueFactory = _ => lease };
    readonly Option<string> _duration = new("--leader-elect-lease-duration") { Description = "How long others wait after the last sign of life.", DefaultValueFactory = _ => "15s" };
    readonly Option<string> _deadline = new("--leader-elect-renew-deadline") { Description = "After how long without an answer the leader gives up.", DefaultValueFactory = _ => "10s" };
    readonly Option<string> _retry = new("--leader-elect-retry-period") { Description = "Between two tries.", DefaultValueFactory = _ => "2s" };
    readonly Option<string> _log = new("--log-level") { Description = "trace, debug, information, warning or error.", DefaultValueFactory = _ => "warning" };

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_kubeconfig, _elect, _name, _duration, _deadline, _retry, _log]) command.Options.Add(option);
        _serving.AddTo(command);
    }

    /// <summary>Runs what the flags ask for, in the foreground.</summary>
    public Task<int> RunAsync(ParseResult parsed, Func<Standalone, Task> run) => Shared.RunAsync(async () =>
    {
        var times = new LeaderElectionOptions { LeaseDuration = Flags.Time(parsed, _duration), RenewDeadline = Flags.Time(parsed, _deadline), RetryPeriod = Flags.Time(parsed, _retry) };
        using var loggers = Flags.Loggers(parsed.GetValue(_log)!);
        try { await run(new(parsed.GetValue(_kubeconfig), new(parsed.GetValue(_elect), parsed.GetValue(_name)!, times), _serving.Read(parsed), TimeProvider.System, loggers)); }
        // A kubeconfig that makes no sense, times with which two could work at once.
        catch (Exception e) when (e is FormatException or ArgumentException) { throw new SettingsException(e.Message, e); }
        return Shared.Ok;
    });
}
