using System.Threading.Channels;
using Hanbae.Machinery.Cel;
using Hanbae.Server.Admission.Expressions;
using Hanbae.Server.Auth;

namespace Hanbae.Server.Tests.Admission;

/// <summary>Expressions that ask an authorizer which has to wait for its answers.</summary>
public sealed class RequestAuthorizerTests
{
    /// <summary>Answers when it is told to.</summary>
    sealed class Slow : IAuthorizer
    {
        readonly Channel<(string Verb, TaskCompletionSource<Decision> Answer)> _asked = Channel.CreateUnbounded<(string, TaskCompletionSource<Decision>)>();

        public int Count { get; private set; }

        public ValueTask<(string Verb, TaskCompletionSource<Decision> Answer)> NextAsync() => _asked.Reader.ReadAsync();

        public ValueTask<Decision> AuthorizeAsync(Attributes attributes, CancellationToken ct)
        {
            Count++;
            var answer = new TaskCompletionSource<Decision>(TaskCreationOptions.RunContinuationsAsynchronously);
            _asked.Writer.TryWrite((attributes.Verb, answer));
            return new(answer.Task);
        }
    }

    [Fact]
    public async Task No_thread_waits_and_each_question_is_asked_once()
    {
        var slow = new Slow();
        var asking = new RequestAuthorizer(slow, new("user", []));
        var program = CelEnvironment.Kubernetes.WithVariable("authorizer", CelAuthorizer.Type)
            .Compile("authorizer.group('').resource('pods').check('get').allowed() && authorizer.group('').resource('pods').check('list').allowed() && authorizer.group('').resource('pods').check('get').allowed()");
        Assert.Null(program.Error);
        var values = new CelActivation(("authorizer", CelAuthorizer.Value(asking)));

        var evaluating = asking.EvaluateAsync(() => program.Evaluate(values, ulong.MaxValue, CancellationToken.None)).AsTask();
        // It is here that a thread would wait otherwise.
        foreach (string verb in (string[])["get", "list"])
        {
            var (asked, answer) = await slow.NextAsync();
            Assert.Equal((verb, false), (asked, evaluating.IsCompleted));
            answer.SetResult(Decision.Allow());
        }

        Assert.Equal(CelBool.True, (await evaluating).Value);
        Assert.Equal(2, slow.Count);
    }
}
