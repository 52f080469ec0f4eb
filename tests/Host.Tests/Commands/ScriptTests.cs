using System.Diagnostics;
using Hanbae.Kit;

namespace Hanbae.Host.Tests.Commands;

/// <summary>The script at the root, where it neither builds nor starts anything.</summary>
public sealed class ScriptTests
{
    static async Task<(int Code, string Out, string Error)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Repository.Root, "hanbae"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }

    [Fact]
    public async Task Test_says_what_it_can_be_asked_for()
    {
        var (code, said, _) = await RunAsync("test", "--help");
        Assert.Equal(0, code);
        Assert.StartsWith("./hanbae test [WORD …] ", said, StringComparison.Ordinal);
        Assert.Contains(" Host.Tests ", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_option_that_it_has_not_is_no_name_of_a_project()
    {
        var (code, _, said) = await RunAsync("test", "--all");
        Assert.Equal(2, code);
        Assert.Equal("--all is no option of ./hanbae test; ./hanbae test --help\n", said);
    }
}
