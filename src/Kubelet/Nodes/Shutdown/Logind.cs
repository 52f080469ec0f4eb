using System.Globalization;
using System.Threading.Channels;
using Hanbae.Kubelet.DBus;
using Microsoft.Win32.SafeHandles;

namespace Hanbae.Kubelet.Nodes.Shutdown;

/// <summary>systemd's logind over the bus: holds a shutdown up, and tells when one is to begin.</summary>
sealed class Logind(DBusConnection bus)
{
    const string Service = "org.freedesktop.login1", Object = "/org/freedesktop/login1", Manager = "org.freedesktop.login1.Manager", Bus = "org.freedesktop.DBus";

    /// <summary>How long logind waits at most for those who hold a shutdown up.</summary>
    /// <exception cref="IOException"/>
    public async Task<TimeSpan> DelayAsync(CancellationToken ct)
    {
        var answer = await bus.CallAsync(Service, Object, "org.freedesktop.DBus.Properties", "Get", "ss", [Manager, "InhibitDelayMaxUSec"], ct).ConfigureAwait(false);
        return answer.Body is [ulong micros] ? TimeSpan.FromMicroseconds(micros) : throw new DBusException("InhibitDelayMaxUSec from logind is not a uint64 as expected");
    }

    /// <summary>Tells logind to wait for so long, by a file of its configuration that it is made to read.</summary>
    /// <exception cref="IOException"/>
    public async Task SetDelayAsync(TimeSpan delay, string folder, CancellationToken ct)
    {
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "99-kubelet.conf"),
            string.Create(CultureInfo.InvariantCulture, $"# Kubelet logind override\n[Login]\nInhibitDelayMaxSec={delay.TotalSeconds:0}\n"), ct).ConfigureAwait(false);
        const int reread = 1; // SIGHUP
        await bus.CallAsync("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "KillUnit", "ssi", ["systemd-logind.service", "all", reread], ct).ConfigureAwait(false);
    }

    /// <returns>The lock: as long as it is open, logind waits.</returns>
    /// <exception cref="IOException"/>
    public async Task<SafeFileHandle> InhibitAsync(CancellationToken ct)
    {
        var answer = await bus.CallAsync(Service, Object, Manager, "Inhibit", "ssss", ["shutdown", "kubelet", "Kubelet needs time to handle node shutdown", "delay"], ct).ConfigureAwait(false);
        return answer.Body is [uint at] && at < answer.Files.Count ? answer.Files[(int)at] : throw new DBusException("logind gave no lock");
    }

    /// <summary>True when a shutdown is to begin, false when it was called off; ends with the connection.</summary>
    /// <exception cref="IOException"/>
    public async Task<ChannelReader<DBusMessage>> WatchAsync(CancellationToken ct)
    {
        await bus.CallAsync(Bus, "/org/freedesktop/DBus", Bus, "AddMatch", "s", [$"type='signal',sender='{Service}',interface='{Manager}',member='PrepareForShutdown',path='{Object}'"], ct).ConfigureAwait(false);
        return bus.Signals;
    }

    public static bool? Begins(DBusMessage signal) => signal is { Interface: Manager, Member: "PrepareForShutdown", Body: [bool begins] } ? begins : null;
}
