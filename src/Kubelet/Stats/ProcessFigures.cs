using System.Globalization;
using System.Net.Sockets;

namespace Hanbae.Kubelet.Stats;

/// <summary>What one process uses, for those that have no cgroup of their own.</summary>
static class ProcessFigures
{
    const long Tick = 10_000_000; // USER_HZ is 100 everywhere Linux shows it

    /// <returns>Null when there is no such process.</returns>
    public static CgroupFigures? Of(int pid)
    {
        try
        {
            // The name is in parentheses and may have any character in it: fields are counted from behind it.
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            long Field(int number) => long.Parse(fields[number - 3], CultureInfo.InvariantCulture);
            long rss = Field(24) * Environment.SystemPageSize;
            return new()
            {
                CpuUser = Field(14) * Tick, CpuSystem = Field(15) * Tick, CpuUsage = (Field(14) + Field(15)) * Tick,
                MemoryUsage = rss, Rss = rss, PageFaults = Field(10) + Field(12), MajorPageFaults = Field(12), Threads = Field(20), Processes = 1,
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }

    /// <summary>Who listens on a socket; 0 when nobody does.</summary>
    public static int Behind(string endpoint)
    {
        const int socketLevel = 1, peerCredentials = 17; // SOL_SOCKET, SO_PEERCRED
        const string unix = "unix://";
        if (!endpoint.StartsWith(unix, StringComparison.Ordinal)) return 0;
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(endpoint[unix.Length..]));
            Span<byte> credentials = stackalloc byte[12];
            return socket.GetRawSocketOption(socketLevel, peerCredentials, credentials) >= 4 ? BitConverter.ToInt32(credentials) : 0;
        }
        catch (SocketException) { return 0; }
    }
}
