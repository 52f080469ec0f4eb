using System.Globalization;

namespace Hanbae.Kubelet.Stats;

/// <summary>Counters of one network interface.</summary>
sealed record NetworkFigures(string Interface, long ReceivedBytes, long ReceivedPackets, long ReceiveErrors, long ReceiveDropped, long SentBytes, long SentPackets, long SendErrors, long SendDropped)
{
    /// <summary>Those of the network namespace that a process is in, without loopback; <c>/proc/PID/net/dev</c> is that namespace's.</summary>
    public static IReadOnlyList<NetworkFigures> Of(int pid)
    {
        try { return Parse(File.ReadAllText($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/net/dev")); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return []; } // it ended
    }

    public static IReadOnlyList<NetworkFigures> Parse(string text)
    {
        var all = new List<NetworkFigures>();
        foreach (string line in text.Split('\n'))
        {
            int colon = line.IndexOf(':');
            if (colon < 0 || line[..colon].Trim() is "lo" or "") continue;
            long[] n = [.. line[(colon + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(f => long.TryParse(f, CultureInfo.InvariantCulture, out long v) ? v : 0)];
            // Devices that make tunnels are there in each namespace and say nothing of the Pod.
            if (n.Length < 12 || line[..colon].Trim() is "tunl0" or "sit0" or "ip6tnl0" or "gre0" or "erspan0") continue;
            all.Add(new(line[..colon].Trim(), n[0], n[1], n[2], n[3], n[8], n[9], n[10], n[11]));
        }
        return all;
    }
}
