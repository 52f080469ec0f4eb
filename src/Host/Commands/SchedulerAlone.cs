using System.CommandLine;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Commands;

/// <summary><c>scheduler</c>: a scheduler alone, of a cluster elsewhere; its options are upstream's.</summary>
static class SchedulerAlone
{
    public static Command Command()
    {
        var config = new Option<string?>("--config") { Description = "A KubeSchedulerConfiguration file: profiles, plugins, extenders." };
        var election = new ElectionFlags("kube-scheduler", port: 10259);
        var command = new Command("scheduler", "Run a scheduler alone, in the foreground, for a cluster elsewhere: Hanbae's or another Kubernetes.") { config };
        election.AddTo(command);
        command.SetAction((parsed, ct) => election.RunAsync(parsed, standalone => standalone.ScheduleAsync(new() { Configuration = ClusterSettings.Scheduling(parsed.GetValue(config), "--config") }, ct)));
        return command;
    }
}
