using System.Diagnostics;

namespace Hanbae.Proxy;

/// <summary>Loads commands into the kernel, all or none of them.</summary>
internal static class Nft
{
    /// <exception cref="NftException">nft refused them; what it said is in the message.</exception>
    public static async Task LoadAsync(string commands, CancellationToken ct)
    {
        var start = new ProcessStartInfo("nft", ["-f", "-"]) { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true };
        using var nft = Process.Start(start) ?? throw new NftException("nft cannot be started");
        var said = nft.StandardError.ReadToEndAsync(ct);
        await nft.StandardInput.WriteAsync(commands.AsMemory(), ct);
        nft.StandardInput.Close();
        await nft.WaitForExitAsync(ct);
        if (nft.ExitCode != 0) throw new NftException((await said).Trim());
    }
}

/// <summary>The kernel or nft refused a ruleset.</summary>
public sealed class NftException(string message) : Exception(message);
