/* Streams, events and graphs of the emulation. The stream that was made first runs what
 * it is given at once (unless a test wants all to be late); the others as late as CUDA
 * allows, when something waits for them, so that memory which is changed or freed too
 * early shows. A stream that is captured runs nothing: the graph keeps the calls with
 * their arguments, as on a device. */
#include <deque>
#include <memory>
#include <vector>

#include "cuda_runtime.h"

typedef std::function<void(void)> operation;

/* What a captured stream was given, and beside it what streams that were forked from it
 * were: those run as late as they may, at what waits for them or at the graph's end. */
struct emulation_graph {
    struct node {
        operation run;
        bool beside;
        size_t joins; /* so many of those beside come before this */
    };
    std::vector<node> nodes;
    size_t beside = 0, joined = 0; /* nodes beside, and those that were waited for */
};

struct emulation_stream {
    std::deque<operation> waiting;
    unsigned long given, run; /* operations */
    unsigned long longer;     /* microseconds that those given take besides */
    struct emulation_graph *capture;
    bool forked;  /* the capture is another stream's, which this one has joined */
    bool spoiled; /* the capture met what cannot be captured */
};

struct emulation_event {
    struct emulation_stream *stream; /* NULL: never recorded */
    unsigned long after;             /* so many of its operations */
    unsigned long longer;            /* the stream's */
    bool asked;
    bool times;                    /* it was made to keep the time */
    struct emulation_graph *graph; /* it was recorded in a capture, */
    size_t beside;                 /* after so many nodes beside */
};

static std::vector<struct emulation_stream *> streams; /* the first is the prompt one */
static struct emulation_stream *running;               /* whose operation runs */

static void run_until(struct emulation_stream *stream, unsigned long count) {
    while (stream->run < count && !stream->waiting.empty()) {
        operation next = stream->waiting.front();
        stream->waiting.pop_front();
        stream->run++;
        emulation.runs++;
        struct emulation_stream *waits = running;
        running = stream;
        next();
        running = waits;
    }
}

cudaError_t emulation_settle(void) {
    cudaError_t status = cudaSuccess;
    for (struct emulation_stream *stream : streams)
        if (stream->capture) {
            stream->spoiled = true;
            status =
                cudaErrorStreamCaptureUnsupported; /* also for one that is forked */
        }
    for (struct emulation_stream *stream : streams)
        if (status == cudaSuccess)
            run_until(stream, stream->given);
    return status;
}

static void put(struct emulation_stream *stream, operation run) {
    stream->given++;
    stream->waiting.push_back(run);
    if (stream == streams.front() ? !emulation.late : emulation.prompt)
        run_until(stream, stream->given);
}

void emulation_queue(struct emulation_stream *stream, operation run) {
    if (!stream->capture) {
        emulation.calls++;
        put(stream, run);
        return;
    }
    if (emulation.spoil_captures > 0) {
        emulation.spoil_captures--;
        stream->spoiled = true;
        emulation_fail(cudaErrorStreamCaptureUnsupported);
    }
    struct emulation_graph *graph = stream->capture;
    graph->nodes.push_back({run, stream->forked, 0});
    graph->beside += stream->forked;
}

/* --- streams ------------------------------------------------------------------- */
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
    *stream = new struct emulation_stream();
    streams.push_back(*stream);
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    run_until(stream, stream->given);
    for (size_t i = 0; i < streams.size(); i++)
        if (streams[i] == stream)
            streams.erase(streams.begin() + (long)i);
    delete stream->capture;
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    if (stream->capture) {
        stream->spoiled = true;
        return cudaErrorStreamCaptureUnsupported;
    }
    run_until(stream, stream->given);
    return emulation_status();
}

static const char *const copy_names[] = {"copy to device", "copy to host",
                                         "copy on device"};

/* Host memory that is not pinned is read before the call returns, and written then. */
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream) {
    std::vector<char> taken;
    bool staged = kind == cudaMemcpyHostToDevice && !emulation_pinned(from);
    if (staged)
        taken.assign(static_cast<const char *>(from),
                     static_cast<const char *>(from) + bytes);
    const struct emulation_work work = {copy_names[kind], 0, 2 * bytes, 0};
    emulation_queue_work(stream, work, [=] {
        if (!emulation_lost() && bytes > 0)
            memcpy(to, staged ? taken.data() : from, bytes);
    });
    if (kind == cudaMemcpyDeviceToHost && !emulation_pinned(to) && !stream->capture)
        run_until(stream, stream->given);
    return emulation_status();
}

cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes,
                            cudaStream_t stream) {
    emulation_queue_work(stream, {"memset", 0, bytes, 0}, [=] {
        if (!emulation_lost() && bytes > 0)
            memset(memory, value, bytes);
    });
    return emulation_status();
}

/* --- events -------------------------------------------------------------------- */
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags) {
    *event = new struct emulation_event();
    (*event)->times = !(flags & cudaEventDisableTiming);
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    struct emulation_graph *graph = stream->capture;
    *event = {stream,
              stream->given,
              stream->longer,
              false,
              event->times,
              graph,
              graph && stream->forked ? graph->beside : 0};
    return emulation_status();
}

/* External: a node of the graph, which records the event at each launch. */
cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream,
                                     unsigned flags) {
    if (flags == cudaEventRecordDefault)
        return cudaEventRecord(event, stream);
    if (!stream->capture)
        return cudaErrorInvalidValue;
    emulation_queue(stream, [=] {
        *event = {running, running->run, running->longer, false, event->times, NULL, 0};
    });
    return emulation_status();
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
    struct emulation_event then = *event;
    if (then.graph) {
        if (!stream->capture) { /* it is forked */
            stream->capture = then.graph;
            stream->forked = true;
            stream->spoiled = false;
        } else if (stream->capture != then.graph) {
            stream->spoiled = true;
            return cudaErrorInvalidValue;
        } else if (!stream->forked && then.beside > then.graph->joined) {
            then.graph->nodes.push_back({[] {}, false, then.beside});
            then.graph->joined = then.beside;
        }
        return emulation_status();
    }
    emulation_queue(stream, [=] {
        if (then.stream)
            run_until(then.stream, then.after);
    });
    return emulation_status();
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    if (event->stream)
        run_until(event->stream, event->after);
    return emulation_status();
}

/* Never done at the first asking, unless it was waited for. */
cudaError_t cudaEventQuery(cudaEvent_t event) {
    if (!event->stream || event->stream->run >= event->after)
        return emulation_status();
    if (!event->asked) {
        event->asked = true;
        return cudaErrorNotReady;
    }
    return cudaEventSynchronize(event);
}

void emulation_takes_longer(struct emulation_stream *stream, unsigned long by) {
    stream->longer += by;
}

/* A microsecond for each operation between them, and more for some. */
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from,
                                 cudaEvent_t to) {
    if (!from->times || !to->times || !from->stream || from->stream != to->stream)
        return cudaErrorInvalidValue;
    if (to->stream->run < to->after)
        return cudaErrorNotReady;
    *milliseconds =
        1e-3f * ((float)(to->after + to->longer) - (float)(from->after + from->longer));
    return emulation_status();
}

/* --- graphs -------------------------------------------------------------------- */
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
    if (stream->capture)
        return cudaErrorInvalidValue;
    stream->capture = new struct emulation_graph();
    stream->spoiled = false;
    return emulation_status();
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
    *graph = stream->capture;
    bool spoiled = stream->spoiled || stream->forked;
    for (struct emulation_stream *other : streams)
        if (*graph && other->capture == *graph) {
            spoiled = spoiled || other->spoiled;
            other->capture = NULL;
            other->forked = false;
        }
    if (*graph && !spoiled && (*graph)->joined == (*graph)->beside)
        return cudaSuccess;
    delete *graph;
    *graph = NULL;
    return cudaErrorStreamCaptureInvalidated;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *instance, cudaGraph_t graph,
                                 unsigned long long) {
    *instance = NULL;
    if (emulation.no_graphs)
        return cudaErrorMemoryAllocation;
    *instance = new struct emulation_graph(*graph);
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t instance) {
    delete instance;
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t instance, cudaStream_t stream) {
    emulation.replays++;
    emulation.calls++;
    auto beside = std::make_shared<std::deque<operation>>();
    auto left = std::make_shared<size_t>(instance->beside);
    size_t all = instance->beside;
    for (const emulation_graph::node &node : instance->nodes)
        put(stream, [=] {
            if (node.beside) {
                beside->push_back(node.run);
                return;
            }
            for (; all - *left < node.joins; --*left) {
                beside->front()();
                beside->pop_front();
            }
            node.run();
        });
    return emulation_status();
}
