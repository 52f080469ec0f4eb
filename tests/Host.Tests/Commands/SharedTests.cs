using System.Net.Sockets;
using System.Security.Authentication;
using Hanbae.Host.Commands;
using Hanbae.Host.Runtime;

namespace Hanbae.Host.Tests.Commands;

/// <summary>What a person is told when a command cannot do what it was asked for.</summary>
public sealed class SharedTests
{
    public static TheoryData<Exception, string> Told => new()
    {
        { new RuntimeException("there is no runtime"), "there is no runtime" },
        { new HttpRequestException("refused", new SocketException()), "the API server does not answer (refused); `hanbae status` tells whether it runs, `hanbae up` starts it" },
        { new HttpRequestException("see inside", new AuthenticationException("another's")),
            "who answers is not who the kubeconfig believes (another's); when that file is removed, `hanbae kubeconfig` writes it anew" },
        { new OperationCanceledException(), "stopped half way" },
        { new TaskCanceledException("late", new TimeoutException("it took too long")), "it took too long" },
    };

    [Theory]
    [MemberData(nameof(Told))]
    public void A_fault_that_a_person_can_mend_is_a_sentence(Exception fault, string told) => Assert.Equal(told, Shared.Explain(fault, "stopped half way"));

    [Fact]
    public void A_fault_of_the_program_is_none() => Assert.Null(Shared.Explain(new InvalidOperationException("?"), ""));

    [Fact]
    public async Task Who_interrupts_a_command_is_told_so_by_its_exit_code() =>
        Assert.Equal(130, await Shared.RunAsync(() => throw new OperationCanceledException(), "interrupted, as a test does"));

    [Fact]
    public async Task Where_there_is_no_cluster_none_runs()
    {
        string folder = Directory.CreateTempSubdirectory("hanbae-nothing-").FullName;
        try
        {
            Assert.Equal(Shared.NotRunning, await Status.RunAsync(folder, CancellationToken.None));
            Assert.Equal($"there is no cluster in {folder}; make one with `hanbae up`, or name its folder with --data-dir", Shared.Missing(folder));
        }
        finally { Directory.Delete(folder); }
    }
}
