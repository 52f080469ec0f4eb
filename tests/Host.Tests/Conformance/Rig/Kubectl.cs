using System.Diagnostics;

namespace Hanbae.Host.Tests.Conformance.Rig;

/// <summary>A test that needs the kubectl in PATH; where there is none, the skip says so.</summary>
public sealed class KubectlFactAttribute : FactAttribute
{
    public KubectlFactAttribute() => Skip = Kubectl.Installed ? null : "kubectl is not in PATH";
}

/// <summary>The real kubectl, as the administrator of the rig's cluster.</summary>
public sealed class Kubectl(string kubeconfig, string cache)
{
    public static bool Installed { get; } = Environment.GetEnvironmentVariable("PATH")?.Split(':').Any(f => File.Exists(Path.Combine(f, "kubectl"))) == true;

    /// <summary>What it prints; it must succeed.</summary>
    public async Task<string> RunAsync(string input, params string[] arguments)
    {
        var (code, output, error) = await TryAsync(input, arguments);
        Assert.True(code == 0, $"kubectl {string.Join(' ', arguments)}: {error}");
        return output;
    }

    public async Task<(int Code, string Output, string Error)> TryAsync(string input, params string[] arguments)
    {
        var start = new ProcessStartInfo("kubectl", ["--kubeconfig", kubeconfig, "--cache-dir", cache, .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        try
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token));
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }
}
