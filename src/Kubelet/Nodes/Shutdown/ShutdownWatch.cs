using Hanbae.Client;
using Hanbae.Kubelet.DBus;
using Hanbae.Kubelet.Pods;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Hanbae.Kubelet.Nodes.Shutdown;

/// <summary>Holds the machine's shutdown up, through systemd's logind, until the node's Pods have ended in order.</summary>
/// <remarks>
/// As logind asks it of everybody: a lock is held all the time; when a shutdown is to begin, the Pods end and the lock is let go; when the shutdown is
/// called off, the lock is taken again. A bus that goes away comes back. Does nothing where Pods are given no time, or where there is no system bus.
/// </remarks>
sealed class ShutdownWatch(KubeletOptions options, NodeShutdown shutdown, IRecorder events, Func<Api.Core.V1.Node?> node, WakeUp status, TimeProvider time, ILogger log)
{
    static readonly TimeSpan s_again = TimeSpan.FromSeconds(1), s_seldom = TimeSpan.FromSeconds(30);

    /// <summary>The lock is held.</summary>
    public Action Holding { get; set; } = () => { };

    public async Task RunAsync(CancellationToken ct)
    {
        var wanted = NodeShutdown.Times(options).Aggregate(TimeSpan.Zero, (sum, t) => sum + t.Grace);
        if (wanted <= TimeSpan.Zero || options.SystemBus.Length == 0) await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(false);
        string told = "";
        var pause = s_again;
        while (true)
        {
            try
            {
                await FollowAsync(wanted, ct).ConfigureAwait(false);
                (told, pause) = ("", s_again);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (told != e.Message) log.ShutdownNotWatched(e.Message); // once: a machine may have no such bus for ever
                pause = told == e.Message && pause < s_seldom ? pause * 2 : told == e.Message ? s_seldom : s_again;
                told = e.Message;
            }
            await Task.Delay(pause, time, ct).ConfigureAwait(false);
        }
    }

    async Task FollowAsync(TimeSpan wanted, CancellationToken ct)
    {
        await using var bus = await DBusConnection.ConnectAsync(options.SystemBus, time, ct).ConfigureAwait(false);
        var logind = new Logind(bus);
        if (await logind.DelayAsync(ct).ConfigureAwait(false) < wanted)
        {
            await logind.SetDelayAsync(wanted, options.LogindFolder, ct).ConfigureAwait(false);
            if (await logind.DelayAsync(ct).ConfigureAwait(false) is var delay && delay < wanted)
                throw new DBusException($"node shutdown manager was unable to update logind InhibitDelayMaxSec to {Duration.From(wanted)} (ShutdownGracePeriod), "
                    + $"current value of InhibitDelayMaxSec ({Duration.From(delay)}) is less than requested ShutdownGracePeriod");
        }
        var signals = await logind.WatchAsync(ct).ConfigureAwait(false);
        SafeFileHandle? held = await logind.InhibitAsync(ct).ConfigureAwait(false);
        try
        {
            Holding();
            await foreach (var signal in signals.ReadAllAsync(ct).ConfigureAwait(false))
            {
                if (Logind.Begins(signal) is not { } begins) continue;
                Announce(begins ? "Shutdown manager detected shutdown event" : "Shutdown manager detected shutdown cancellation");
                if (begins)
                {
                    shutdown.Begin();
                    status.Set();
                    await shutdown.RunAsync(ct).ConfigureAwait(false);
                    held?.Dispose();
                    held = null;
                }
                else
                {
                    shutdown.CallOff();
                    status.Set();
                    held ??= await logind.InhibitAsync(ct).ConfigureAwait(false);
                    Holding();
                }
            }
        }
        finally { held?.Dispose(); }
    }

    void Announce(string what)
    {
        if (node() is { } about) events.Event(about, "Normal", "NodeShutdown", what);
    }
}
